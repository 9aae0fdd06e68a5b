// Steps about descriptors and resource limits. See steps.h.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <climits>

#include "lockdown/steps.h"

namespace zvm {
namespace {

constexpr std::string_view kDescriptors = "lockdown-descriptors";
constexpr std::string_view kRlimits = "lockdown-rlimits";

bool CloseRange(unsigned first, unsigned last) {
  return syscall(SYS_close_range, first, last, 0u) == 0;
}

// Lowers a limit, never raises one, and reads it back.
bool LowerLimit(int resource, rlim_t soft, rlim_t hard) {
  rlimit now;
  if (getrlimit(resource, &now) != 0) {
    return false;
  }
  const rlimit wanted = {std::min({soft, now.rlim_cur, now.rlim_max}),
                         std::min(hard, now.rlim_max)};
  if (setrlimit(resource, &wanted) != 0 ||
      getrlimit(resource, &now) != 0) {
    return false;
  }
  return now.rlim_cur == wanted.rlim_cur && now.rlim_max == wanted.rlim_max;
}

// The lowest number that is not kept, at least 1 so that poll() can be used on one descriptor.
rlim_t LowestFreeDescriptor(std::span<const int> kept) {
  int free = 0;
  for (const int fd : kept) {
    if (fd != free) {
      break;
    }
    ++free;
  }
  return static_cast<rlim_t>(std::max(free, 1));
}

}  // namespace

Failure CloseDescriptors(const LockdownOptions& options, LockdownStatus* status) {
  unsigned next = 0;
  for (const int fd : options.keep_descriptors) {
    if (fd < 0 || static_cast<unsigned>(fd) < next) {
      return LockdownFailure(kDescriptors, "the kept descriptors are not strictly ascending");
    }
    if (fcntl(fd, F_GETFD) < 0) {
      return LockdownFailure(kDescriptors, "a kept descriptor is not open");
    }
    const unsigned number = static_cast<unsigned>(fd);
    if (number > next && !CloseRange(next, number - 1)) {
      return LockdownFailure(kDescriptors, "close_range failed (Linux 5.9 or later is needed)");
    }
    next = number + 1;
  }
  if (!CloseRange(next, UINT_MAX)) {
    return LockdownFailure(kDescriptors, "close_range failed (Linux 5.9 or later is needed)");
  }
  status->descriptors_closed = true;
  return {};
}

Failure LowerLimits(const LockdownLimits& limits) {
  const auto lower = [](int resource, rlim_t limit) {
    return limit == 0 || LowerLimit(resource, limit, limit);
  };
  const rlim_t cpu = limits.cpu_seconds;
  const bool lowered =
      lower(RLIMIT_AS, limits.address_space_bytes) && lower(RLIMIT_FSIZE, limits.file_size_bytes) &&
      lower(RLIMIT_DATA, limits.data_bytes) &&
      (cpu == 0 || LowerLimit(RLIMIT_CPU, cpu, cpu == RLIM_INFINITY ? cpu : cpu + 1));
  return lowered ? Failure{} : LockdownFailure(kRlimits, "a limit cannot be lowered");
}

Failure LimitResources(const LockdownOptions& options, LockdownStatus* status) {
  constexpr int kForbidden[] = {RLIMIT_CORE, RLIMIT_NPROC, RLIMIT_MEMLOCK, RLIMIT_MSGQUEUE,
                                RLIMIT_RTPRIO};
  for (const int resource : kForbidden) {
    if (!LowerLimit(resource, 0, 0)) {
      return LockdownFailure(kRlimits, "a limit cannot be set to 0");
    }
  }
  // The limit bounds the *number* of a new descriptor: at the first gap, none can be made, even one
  // that would fill a gap between kept ones. A worker has room for those that come with a frame.
  const rlim_t descriptors = std::max<rlim_t>(LowestFreeDescriptor(options.keep_descriptors),
                                              options.descriptors_max);
  if (!LowerLimit(RLIMIT_NOFILE, descriptors, descriptors)) {
    return LockdownFailure(kRlimits, "a limit cannot be lowered");
  }
  if (Failure failure = LowerLimits(options.limits); failure.failed()) {
    return failure;
  }
  status->rlimits = true;
  return {};
}

}  // namespace zvm
