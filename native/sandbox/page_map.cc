#include "sandbox/page_map.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/syscall.h>

namespace zvm {
namespace {

using CapabilitySets = __user_cap_data_struct[2];

bool ReadCapabilities(CapabilitySets& sets) {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  return syscall(SYS_capget, &header, sets) == 0;
}

bool SetCapabilities(const CapabilitySets& sets) {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  return syscall(SYS_capset, &header, sets) == 0;
}

}  // namespace

UniqueFd OpenPageMap() {
  CapabilitySets sets;
  if (!ReadCapabilities(sets)) {
    return {};
  }
  CapabilitySets reduced = {sets[0], sets[1]};
  reduced[0].effective = reduced[1].effective = 0;
  // SAFETY: the kernel shows physical page numbers to a descriptor whose opener had CAP_SYS_ADMIN,
  // whoever reads from it later; the guest's process keeps this descriptor.
  if (!SetCapabilities(reduced)) {
    return {};
  }
  UniqueFd fd(open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
  // What was permitted a moment ago is permitted still; without it lockdown would fail closed.
  if (!SetCapabilities(sets)) {
    return {};
  }
  return fd;
}

}  // namespace zvm
