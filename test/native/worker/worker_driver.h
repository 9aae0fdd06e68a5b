// Drives a real zvm-worker as its owner does: starts it, sends frames with descriptors, takes
// answers, reaps it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "wire/layout.h"

namespace zvm::test {

using Bytes = std::vector<uint8_t>;

class WorkerDriver {
 public:
  // Starts the worker and takes its hello. `tasks`: how many it takes; `program`: another file of
  // the build folder than zvm-worker; `stderr_fd`: its standard error, -1 = ours.
  explicit WorkerDriver(const char* role, const char* tasks = "1",
                        const char* program = "zvm-worker", int stderr_fd = -1);
  ~WorkerDriver();
  WorkerDriver(const WorkerDriver&) = delete;
  WorkerDriver& operator=(const WorkerDriver&) = delete;

  pid_t pid() const { return pid_; }
  const Bytes& hello() const { return hello_; }
  int Send(const Bytes& frame, std::span<const int> fds);
  // The next answer, empty when the worker has gone.
  Bytes Receive();
  void CloseSocket() { socket_.Reset(); }
  // Asks it to end one session.
  void Cancel(uint64_t session_id);
  // Waits for its end: exit status, or 1000 + signal.
  int Wait();

 private:
  UniqueFd socket_;
  pid_t pid_ = -1;
  Bytes hello_;
};

template <class T>
T As(const Bytes& frame) {
  T value;
  __builtin_memcpy(&value, frame.data(), frame.size() < sizeof value ? frame.size() : sizeof value);
  return value;
}

struct StartOptions {
  uint64_t wall_ms = 5000;
  int64_t memory_bytes = 33554432;
  uint16_t fd_count = 4;
  uint8_t profile = 1;
  uint32_t flags = 0;
  uint64_t cpu_ms = 0;
  uint64_t session_id = 12;
  std::string program_sha256_hex;  // not empty: the mapped image is named by it
  uint8_t snapshot_name = 0;       // with kStartSnapshot
  uint16_t channel_count = 3;      // further ones are inputs named c3, c4, ...
  bool in_frames = false;          // no descriptors for channels; stderr is dropped
  std::string input;               // of stdin, with in_frames
};
// A start frame with the standard three channels, one source each.
Bytes MakeStart(const StartOptions& options = {});
Bytes MakePrepare(uint8_t profile = 1);

// The sealed image of build/guest/NAME.nexe.
UniqueFd PrepareImage(const std::string& name);
// The same, none when the validator refuses the program.
UniqueFd TryPrepareImage(const std::string& name);
std::string TextAt(const Bytes& frame, size_t offset);

}  // namespace zvm::test
