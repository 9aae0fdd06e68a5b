// The life of a worker: set up, raise the outer wall, say hello, take a task frame, answer it,
// clean up for the next one or end. What a task is belongs to a role (prepare_role, session_role);
// every byte from the socket goes through here. Frames and exit statuses: docs/wire.md.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <span>

#include "base/failure.h"
#include "base/stop_request.h"
#include "lockdown/lockdown.h"
#include "wire/frame_socket.h"
#include "wire/layout.h"

namespace zvm {

// The socket to the owner. 1 is /dev/null and 2 belongs to the owner: descriptors that come with a
// frame must never land where something writes on its own.
inline constexpr int kControlDescriptor = 0;

inline constexpr int kWorkerDone = 0;
inline constexpr int kWorkerRefused = 81;
inline constexpr int kWorkerSetUpFailed = 82;
inline constexpr int kWorkerFault = 83;
inline constexpr int kWorkerResetFailed = 84;

// A worker that has waited so long for a frame gives memory back.
inline constexpr int kIdleSeconds = 5;

struct WorkerOptions {
  WorkerRole role = WorkerRole::kSession;
  LockdownLimits limits;
  // Tasks before it ends; 0 = no bound. Role prepare takes one only.
  uint8_t tasks_max = 1;

  bool reused() const { return tasks_max != 1; }
};

// A task frame: header checked, descriptors owned.
struct TaskFrame {
  WireHeader header;
  std::span<const uint8_t> bytes;
  FrameDescriptors descriptors;
};

class Role {
 public:
  virtual LockdownStage stage(const WorkerOptions& options) const = 0;
  virtual FrameType task_type() const = 0;
  // Everything that costs time or needs what the outer wall takes away.
  [[nodiscard]] virtual Failure SetUp(const WorkerOptions& options) = 0;
  // Descriptors from SetUp that must survive the outer wall; -1 = none.
  static constexpr size_t kKeptMax = 3;
  virtual std::array<int, kKeptMax> kept_descriptors() const { return {-1, -1, -1}; }
  // Limits that come with the role, beside those of the options; after SetUp.
  virtual LockdownLimits backstops() const { return {}; }
  // A signal that interrupted the wait for a frame wants the worker to end.
  virtual bool stop_requested() const { return false; }
  // Does the task and sends its answer, unless the frame is refused: then nothing was done or sent.
  [[nodiscard]] virtual FrameError Do(TaskFrame& frame) = 0;
  // Behind Do, when another task may come: nothing of this one is left. False: that failed, and the
  // process must end.
  [[nodiscard]] virtual bool Renew() { return false; }
  // No frame has come for kIdleSeconds. False as above.
  [[nodiscard]] virtual bool Idle() { return true; }

 protected:
  ~Role() = default;
};

// Returns the exit status; the caller must end with EndProcess.
int Serve(const WorkerOptions& options, Role& role);

Role& PrepareRole();
Role& SessionRole();

}  // namespace zvm
