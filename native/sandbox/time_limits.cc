#include "sandbox/time_limits.h"

#include <sys/resource.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "base/monotonic.h"

namespace zvm {
namespace {

constexpr uint64_t kRepeatUs = 10'000;
// Of the timer that is never disarmed: the kernel's usual tick.
constexpr uint64_t kTickUs = 4'000;
constexpr uint64_t kUsPerSecond = 1'000'000;
// Longer limits are as good as none and would overflow the kernel's seconds on some systems.
constexpr uint64_t kLimitMsMax = uint64_t{1} << 40;

// Written by the session and by the handlers of one thread. 0 = none.
struct Clocks {
  volatile uint64_t wall_deadline_us = 0;  // of the session, monotonic clock
  volatile uint64_t cpu_deadline_us = 0;   // of the session, ProcessCpuUs
  volatile uint64_t wall_timer_us = 0;     // when ITIMER_REAL fires
  volatile bool cpu_timer_kept = false;
  volatile bool interrupting = false;
};
Clocks g_clocks;

bool Arm(__itimer_which_t which, uint64_t us, uint64_t repeat_us) {
  itimerval timer = {};
  timer.it_value.tv_sec = static_cast<time_t>(us / kUsPerSecond);
  timer.it_value.tv_usec = static_cast<suseconds_t>(us % kUsPerSecond);
  timer.it_interval.tv_usec = static_cast<suseconds_t>(repeat_us);
  return setitimer(which, &timer, nullptr) == 0;
}

uint64_t LimitUs(uint64_t limit_ms) { return std::min(limit_ms, kLimitMsMax) * 1000; }

bool ArmWallTimer(uint64_t now_us, uint64_t deadline_us) {
  g_clocks.wall_timer_us = deadline_us;
  return Arm(ITIMER_REAL, deadline_us > now_us ? deadline_us - now_us : 1, 0);
}

bool StartWallLimit(uint64_t limit_ms) {
  if (limit_ms == 0) {
    g_clocks.wall_deadline_us = 0;
    return true;
  }
  const uint64_t now = MonotonicUs();
  const uint64_t deadline = now + LimitUs(limit_ms);
  // The deadline first: a timer that fires from here on is armed again by its handler.
  g_clocks.wall_deadline_us = deadline;
  const uint64_t fires = g_clocks.wall_timer_us;
  return (fires != 0 && fires <= deadline) || ArmWallTimer(now, deadline);
}

bool StartCpuLimit(uint64_t limit_ms, uint64_t used_us) {
  if (limit_ms == 0) {
    g_clocks.cpu_deadline_us = 0;
    return true;
  }
  g_clocks.cpu_deadline_us = used_us + LimitUs(limit_ms);
  return g_clocks.cpu_timer_kept || Arm(ITIMER_PROF, LimitUs(limit_ms), kTickUs);
}

}  // namespace

uint64_t ProcessCpuUs() {
  timespec used = {};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<uint64_t>(used.tv_sec) * kUsPerSecond +
         static_cast<uint64_t>(used.tv_nsec) / 1000;
}

Failure StartTimeLimits(const TimeLimits& limits, uint64_t cpu_used_us) {
  if (!StartWallLimit(limits.wall_ms) || !StartCpuLimit(limits.cpu_ms, cpu_used_us)) {
    return MakeFailure(errno, "timer-failed", "cannot arm the time limits");
  }
  return {};
}

void EndTimeLimits() {
  g_clocks.wall_deadline_us = 0;
  g_clocks.cpu_deadline_us = 0;
  if (g_clocks.interrupting) {
    // A signal that is under way is delivered before this call returns.
    (void)Arm(ITIMER_REAL, 0, 0);
    g_clocks.interrupting = false;
    g_clocks.wall_timer_us = 0;
  }
}

Failure KeepCpuTimer() {
  if (!Arm(ITIMER_PROF, kTickUs, kTickUs)) {
    return MakeFailure(errno, "timer-failed", "cannot arm the timer of the CPU limits");
  }
  g_clocks.cpu_timer_kept = true;
  return {};
}

StopReason OnWallTimer() {
  if (g_clocks.interrupting) {
    return StopReason::kNone;
  }
  g_clocks.wall_timer_us = 0;
  const uint64_t deadline = g_clocks.wall_deadline_us;
  if (deadline == 0) {
    return StopReason::kNone;
  }
  const uint64_t now = MonotonicUs();
  if (now >= deadline) {
    return StopReason::kWallTime;
  }
  (void)ArmWallTimer(now, deadline);
  return StopReason::kNone;
}

StopReason OnCpuTimer() {
  const uint64_t deadline = g_clocks.cpu_deadline_us;
  return deadline != 0 && ProcessCpuUs() >= deadline ? StopReason::kCpuTime : StopReason::kNone;
}

void InterruptAgain() {
  if (!g_clocks.interrupting) {
    g_clocks.interrupting = true;
    (void)Arm(ITIMER_REAL, kRepeatUs, kRepeatUs);
  }
}

uint64_t CpuBackstopSeconds(const TimeLimits& limits) {
  // One thread uses no more processor time than passes on the wall.
  const uint64_t wall = std::min(limits.wall_ms, kLimitMsMax);
  const uint64_t cpu = std::min(limits.cpu_ms, kLimitMsMax);
  const uint64_t limit_ms = wall == 0 ? cpu : cpu == 0 ? wall : std::min(wall, cpu);
  if (limit_ms == 0) {
    return 0;
  }
  const uint64_t seconds = ProcessCpuUs() / kUsPerSecond;
  return seconds + limit_ms / 1000 + kCpuBackstopSlackSeconds;
}

}  // namespace zvm
