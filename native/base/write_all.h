// Writing a text to a descriptor whose reader may be slow, stopped or gone. Usable in signal
// handlers and under lockdown (write, poll); never waits longer than its deadline.
#pragma once

#include <cstdint>
#include <string_view>

namespace zvm {

// How long a report, a part of a trace or a message may take to be taken.
inline constexpr uint64_t kWriteAllMsMax = 10'000;

// Writes all of `text` and retries after interruptions. False when the descriptor failed or did not
// take everything in time: the rest is lost.
bool WriteAll(int fd, std::string_view text, uint64_t limit_ms = kWriteAllMsMax);

}  // namespace zvm
