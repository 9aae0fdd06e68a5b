// The trace of a session (zvm-run -T): milestones with the time between them, and every trap.
// Written through a fixed buffer, so that it neither allocates nor is lost when the process is
// killed late. Bounded in size and in the time that a reader has to take it.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/failure.h"
#include "base/monotonic.h"
#include "base/text_buffer.h"
#include "base/unique_fd.h"
#include "base/write_all.h"
#include "sandbox/guest_run.h"

namespace zvm {

// What traps may add to a trace file, and to standard error: a guest can trap a million times a
// second. Behind that a line says that traps are not told any more; milestones still are.
inline constexpr uint64_t kTraceSizeMax = uint64_t{64} << 20;

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
  void Echo(std::string_view text);
  // What of a trap's line to tell in a place that has got `size_bytes`: all, that it ends, nothing.
  static std::string_view Bounded(std::string_view line, uint64_t size_bytes, bool& full);

  UniqueFd fd_;
  bool echo_ = false;
  bool file_full_ = false, echo_full_ = false;
  uint64_t file_size_bytes_ = 0, echo_size_bytes_ = 0;
  uint64_t start_us_ = 0;
  uint64_t last_us_ = 0;
  FixedText<kBufferSizeBytes> buffer_;
};

}  // namespace zvm
