// The trace of a session (zvm-run -T): milestones with the time between them, and every trap.
// Written through a fixed buffer, so that it neither allocates nor is lost when the process is
// killed late.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/failure.h"
#include "base/text_buffer.h"
#include "base/unique_fd.h"
#include "sandbox/guest_run.h"

namespace zvm {

// Format, one line each: `TOTAL [DELTA]: TEXT`, seconds with six decimals; docs/abi.md §9.3.
class Trace final : public TrapObserver {
 public:
  // Opens `path` for appending (absolute, else status 14) and writes the first line.
  [[nodiscard]] Failure Open(const char* path);
  // Sends trap lines to standard error too (zvm-run -v 2).
  void EchoTraps() { echo_ = true; }

  bool active() const { return fd_.valid() || echo_; }
  int descriptor() const { return fd_.get(); }

  void Milestone(std::string_view name);
  void OnTrap(const TrapRecord& record) override;
  void Flush();

 private:
  static constexpr size_t kBufferSizeBytes = 32 * 1024;

  void Line(std::string_view text);

  UniqueFd fd_;
  bool echo_ = false;
  uint64_t start_us_ = 0;
  uint64_t last_us_ = 0;
  FixedText<kBufferSizeBytes> buffer_;
};

// Microseconds of the monotonic clock.
uint64_t MonotonicUs();

// Writes all of `text`, retrying after interruptions; gives up when the descriptor fails.
void WriteAll(int fd, std::string_view text);

}  // namespace zvm
