// The page map tells that a page is there, and not where, also when root opened it and also in the
// process that is locked down.
#include "sandbox/page_map.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>

#include "base/end_process.h"
#include "lockdown/lockdown.h"

namespace zvm {
namespace {

constexpr uint64_t kFrameBits = (uint64_t{1} << 55) - 1;
constexpr uint64_t kPresentBit = uint64_t{1} << 63;

alignas(4096) volatile char g_page[4096];

uint64_t EntryOf(int fd, const volatile void* page) {
  uint64_t entry = 0;
  const auto at = static_cast<off_t>(reinterpret_cast<uint64_t>(page) / 4096 * sizeof entry);
  return pread(fd, &entry, sizeof entry, at) == sizeof entry ? entry : 0;
}

TEST_CASE("an open page map holds no physical page numbers") {
  g_page[0] = 1;
  const UniqueFd fd = OpenPageMap();
  REQUIRE(fd.valid());
  CHECK((EntryOf(fd.get(), g_page) & kPresentBit) != 0);
  CHECK((EntryOf(fd.get(), g_page) & kFrameBits) == 0);
  // Control: what root would get.
  const UniqueFd plain(open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
  if (geteuid() == 0) {
    WARN((EntryOf(plain.get(), g_page) & kFrameBits) != 0);
  }
}

// Exit status of a child: 0 when all is well.
int LookWhenLocked() {
  g_page[0] = 1;
  const UniqueFd fd = OpenPageMap();
  const int keep[] = {fd.get()};
  LockdownOptions options;
  options.keep_descriptors = keep;
  LockdownStatus status;
  if (Lockdown(options, &status).failed()) {
    return 1;
  }
  const uint64_t entry = EntryOf(fd.get(), g_page);
  return (entry & kPresentBit) == 0 ? 2 : (entry & kFrameBits) != 0 ? 3 : 0;
}

TEST_CASE("nor does the one that a locked process kept") {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    EndProcess(LookWhenLocked());
  }
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}

}  // namespace
}  // namespace zvm
