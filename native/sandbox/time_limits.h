// Wall-clock and CPU limits of a session, in milliseconds, enforced by interval timers whose
// signals faults.h turns into a StopRequest. A timer that is armed already for a time that is not
// later is left alone, so that sessions behind each other need no system call for their limits.
#pragma once

#include <cstdint>

#include "base/failure.h"
#include "base/stop_request.h"

namespace zvm {

struct TimeLimits {
  uint64_t wall_ms = 0;  // from the start; 0 = none
  uint64_t cpu_ms = 0;   // user + system time of the process from the start; 0 = none. The kernel
                        // looks at it in ticks: the limit acts some milliseconds late
};

// Microseconds of processor time that this process has used.
uint64_t ProcessCpuUs();

// The limits of a session start. `cpu_used_us`: ProcessCpuUs() at its start or a little before.
[[nodiscard]] Failure StartTimeLimits(const TimeLimits& limits, uint64_t cpu_used_us);
// The session has ended: none of its limits, and no interruption, acts any more.
void EndTimeLimits();

// For processes that run many sessions, before the outer wall: the timer behind all CPU limits to
// come. It only counts while this process works, and nobody can disarm it later.
[[nodiscard]] Failure KeepCpuTimer();

// For the handlers of SIGALRM and SIGPROF: the limit that has passed, or kNone. Arms the wall timer
// again when it came for an earlier session. Async-signal-safe.
StopReason OnWallTimer();
StopReason OnCpuTimer();
// A stop may have come just before a blocking call that would now sleep for ever: asks for SIGALRM
// every 10 ms until EndTimeLimits. Async-signal-safe.
void InterruptAgain();

// The kernel's own limit behind the timers, which code that escaped could disarm: seconds of
// processor time of this process, what it has used already included. 0 = none.
uint64_t CpuBackstopSeconds(const TimeLimits& limits);

// Between a limit of a session and its backstop: closing channels and the report need some time.
inline constexpr uint64_t kCpuBackstopSlackSeconds = 10;

}  // namespace zvm
