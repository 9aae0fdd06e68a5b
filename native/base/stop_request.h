// StopRequest: why a running session must end early. Set by signal handlers, read by everything
// that can block; a blocking call that returns EINTR looks here before it tries again.
#pragma once

#include <csignal>
#include <cstdint>

namespace zvm {

enum class StopReason : int {
  kNone = 0,
  kWallTime = 1,    // the wall-clock limit passed
  kCpuTime = 2,     // the CPU limit passed
  kTerminated = 3,  // TERM, INT, HUP or QUIT: the operator ends the session
  kDiskFull = 4,    // XFSZ: an outside file size limit
};

// One per process. First reason wins. Async-signal-safe.
class StopRequest {
 public:
  void Set(StopReason reason) {
    if (reason_ == 0) {
      reason_ = static_cast<int>(reason);
    }
  }
  void Clear() { reason_ = 0; }
  StopReason reason() const { return static_cast<StopReason>(static_cast<int>(reason_)); }
  bool requested() const { return reason_ != 0; }

 private:
  volatile std::sig_atomic_t reason_ = 0;
};

}  // namespace zvm
