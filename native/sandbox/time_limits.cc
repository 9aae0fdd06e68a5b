#include "sandbox/time_limits.h"

#include <sys/resource.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>

namespace zvm {
namespace {

constexpr uint64_t kRepeatUs = 10'000;
constexpr uint64_t kUsPerSecond = 1'000'000;
// Longer limits are as good as none and would overflow the kernel's seconds on some systems.
constexpr uint64_t kLimitMsMax = uint64_t{1} << 40;

bool Arm(__itimer_which_t which, uint64_t limit_ms) {
  if (limit_ms == 0) {
    return true;
  }
  const uint64_t us = (limit_ms < kLimitMsMax ? limit_ms : kLimitMsMax) * 1000;
  itimerval timer = {};
  timer.it_value.tv_sec = static_cast<time_t>(us / kUsPerSecond);
  timer.it_value.tv_usec = static_cast<suseconds_t>(us % kUsPerSecond);
  timer.it_interval.tv_usec = kRepeatUs;
  return setitimer(which, &timer, nullptr) == 0;
}

}  // namespace

Failure ArmTimeLimits(const TimeLimits& limits) {
  if (!Arm(ITIMER_REAL, limits.wall_ms) || !Arm(ITIMER_PROF, limits.cpu_ms)) {
    return MakeFailure(errno, "timer-failed", "cannot arm the time limits");
  }
  return {};
}

uint64_t CpuBackstopSeconds(const TimeLimits& limits) {
  // One thread uses no more processor time than passes on the wall.
  const uint64_t wall = std::min(limits.wall_ms, kLimitMsMax);
  const uint64_t cpu = std::min(limits.cpu_ms, kLimitMsMax);
  const uint64_t limit_ms = wall == 0 ? cpu : cpu == 0 ? wall : std::min(wall, cpu);
  if (limit_ms == 0) {
    return 0;
  }
  rusage used = {};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = static_cast<uint64_t>(used.ru_utime.tv_sec + used.ru_stime.tv_sec);
  return seconds + limit_ms / 1000 + kCpuBackstopSlackSeconds;
}

}  // namespace zvm
