// Wall-clock and CPU limits of a session, in milliseconds, enforced by interval timers whose
// signals faults.h turns into a StopRequest.
#pragma once

#include <cstdint>

#include "base/failure.h"

namespace zvm {

struct TimeLimits {
  uint64_t wall_ms = 0;  // from arming; 0 = none
  uint64_t cpu_ms = 0;   // user + system time of the process from arming; 0 = none. The kernel
                        // counts it in ticks: the limit acts up to 4 ms (at 250 Hz) late
};

// Arms both, once per process. They fire again every 10 ms after the limit, so that a request which
// arrives just before a blocking call interrupts that call at the next tick.
[[nodiscard]] Failure ArmTimeLimits(const TimeLimits& limits);

// The kernel's own limit behind the timers, which code that escaped could disarm: seconds of
// processor time of this process, what it has used already included. 0 = none.
uint64_t CpuBackstopSeconds(const TimeLimits& limits);

// Between a limit of a session and its backstop: closing channels and the report need some time.
inline constexpr uint64_t kCpuBackstopSlackSeconds = 10;

}  // namespace zvm
