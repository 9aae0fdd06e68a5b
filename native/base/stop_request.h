// StopRequest: why a running session must end early. Set by signal handlers, read by everything
// that can block; a blocking call that returns EINTR looks here before it tries again.
#pragma once

#include <csignal>
#include <cstddef>
#include <cstdint>

namespace zvm {

enum class StopReason : int {
  kNone = 0,
  kWallTime = 1,    // the wall-clock limit passed
  kCpuTime = 2,     // the CPU limit passed
  kTerminated = 3,  // TERM, INT, HUP or QUIT, or a cancel signal for this session
  kDiskFull = 4,    // XFSZ: an outside file size limit
};

// One per process, for one session after the other. First reason wins. Async-signal-safe: one
// thread, and a handler that interrupts any of these sees whole words.
class StopRequest {
 public:
  void Set(StopReason reason) {
    if (reason_ == 0) {
      reason_ = static_cast<int>(reason);
    }
  }
  // The process ends too: every session that begins from here on is stopped at once.
  void SetForGood(StopReason reason) {
    for_good_ = static_cast<int>(reason);
    Set(reason);
  }
  // Stops the session with this number. Remembered when it has not begun yet; nothing happens when
  // it has ended, so a request that comes late never meets the next session.
  void Cancel(uint64_t session_id) {
    if (running_ != 0 && session_id_ == session_id) {
      Set(StopReason::kTerminated);
    } else {
      early_[early_count_ % kEarlyMax] = session_id;
      early_count_ = early_count_ + 1;
    }
  }

  // A session begins: forgets what stopped the one before.
  void Begin(uint64_t session_id) {
    reason_ = 0;
    session_id_ = session_id;
    running_ = 1;
    // A request for it that comes from here on finds it running; one that came before is here.
    const size_t count = early_count_ < kEarlyMax ? early_count_ : kEarlyMax;
    for (size_t i = 0; i < count; ++i) {
      if (early_[i] == session_id) {
        Set(StopReason::kTerminated);
      }
    }
    if (for_good_ != 0) {
      Set(static_cast<StopReason>(static_cast<int>(for_good_)));
    }
  }
  // It has ended, and with it the request. One that is for good stays.
  void End() {
    running_ = 0;
    reason_ = static_cast<int>(for_good_);
  }

  StopReason reason() const { return static_cast<StopReason>(static_cast<int>(reason_)); }
  bool requested() const { return reason_ != 0; }
  bool for_good() const { return for_good_ != 0; }

 private:
  // More requests for sessions that have not begun than an owner has frames under way.
  static constexpr size_t kEarlyMax = 64;

  volatile std::sig_atomic_t reason_ = 0, for_good_ = 0, running_ = 0;
  volatile uint64_t session_id_ = 0;
  volatile uint64_t early_[kEarlyMax] = {};
  volatile size_t early_count_ = 0;
};

}  // namespace zvm
