#include "worker/serve.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "sandbox/image.h"
#include "session/trace.h"
#include "validator/features.h"
#include "wire/frame_reader.h"
#include "wire/frame_writer.h"
#include "worker/answers.h"

namespace zvm {
namespace {

// Numbers for the descriptors of one frame behind 0, 1, 2 and the few of set-up.
constexpr unsigned kDescriptorNumbersMax = kFrameDescriptorsMax + 16;

int TellSetUpFailure(const Failure& failure) {
  FixedText<sizeof(Failure::text) + 64> line;
  line.Add("zvm-worker: ").Add(failure.message()).AddChar('\n');
  WriteAll(STDERR_FILENO, line.view());
  return kWorkerSetUpFailed;
}

// The owner is who made the socket pair.
Failure FindOwner(pid_t* owner) {
  ucred peer;
  socklen_t size = sizeof peer;
  if (getsockopt(kControlDescriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 ||
      peer.pid <= 0) {
    return MakeFailure(ENOTSOCK, "worker-socket", "descriptor 0 is no socket to an owner");
  }
  *owner = peer.pid;
  return {};
}

// 1 and 2 must be taken, so that no descriptor of a frame gets their numbers.
Failure FillStandardDescriptors() {
  for (int fd = 1; fd <= 2;) {
    if (fcntl(fd, F_GETFD) >= 0) {
      ++fd;
    } else if (open("/dev/null", O_RDWR | O_CLOEXEC) != fd) {
      return MakeFailure(EMFILE, "worker-descriptors", "cannot open /dev/null");
    }
  }
  return {};
}

// Of two limits the lower one; 0 is none.
LockdownLimits Stricter(const LockdownLimits& a, const LockdownLimits& b) {
  // 0 becomes the largest number, and back.
  const auto lower = [](uint64_t x, uint64_t y) { return std::min(x - 1, y - 1) + 1; };
  return {lower(a.address_space_bytes, b.address_space_bytes),
          lower(a.file_size_bytes, b.file_size_bytes), lower(a.cpu_seconds, b.cpu_seconds),
          lower(a.data_bytes, b.data_bytes)};
}

Failure RaiseWall(const WorkerOptions& options, Role& role, LockdownStatus* status) {
  LockdownOptions lockdown;
  if (Failure failure = FindOwner(&lockdown.owner_pid); failure.failed()) {
    return failure;
  }
  if (Failure failure = FillStandardDescriptors(); failure.failed()) {
    return failure;
  }
  if (signal(SIGPIPE, SIG_IGN) == SIG_ERR) {
    return MakeFailure(EINVAL, "worker-signals", "cannot ignore SIGPIPE");
  }
  if (Failure failure = role.SetUp(options); failure.failed()) {
    return failure;
  }
  const timeval idle = {kIdleSeconds, 0};
  if (options.reused() &&
      setsockopt(kControlDescriptor, SOL_SOCKET, SO_RCVTIMEO, &idle, sizeof idle) != 0) {
    return MakeFailure(errno, "worker-socket", "cannot bound the wait for a frame");
  }
  std::array<int, 3 + Role::kKeptMax> keep = {kControlDescriptor, STDOUT_FILENO, STDERR_FILENO};
  size_t kept = 3;
  for (const int fd : role.kept_descriptors()) {
    if (fd >= 0) {
      keep[kept++] = fd;
    }
  }
  std::sort(keep.begin(), keep.begin() + kept);
  lockdown.keep_descriptors = std::span(keep).first(kept);
  lockdown.descriptors_max = kDescriptorNumbersMax;
  lockdown.stage = role.stage(options);
  lockdown.limits = Stricter(options.limits, role.backstops());
  return Lockdown(lockdown, status);
}

uint32_t WallsOf(const LockdownStatus& status) {
  return (status.seccomp ? kWallSeccomp : 0u) | (status.privileges_dropped ? kWallPrivileges : 0u) |
         (status.landlock ? kWallLandlock : 0u) | (status.not_dumpable ? kWallNotDumpable : 0u) |
         (status.rlimits ? kWallRlimits : 0u) | (status.dies_with_owner ? kWallParentDeath : 0u);
}

bool SayHello(WireHello hello) {
  uint8_t buffer[sizeof hello];
  FrameWriter frame(buffer);
  frame.Add(hello);
  return WriteFrame(kControlDescriptor, frame.Finish(FrameType::kHello, 0)) == 0;
}

int Refuse(FrameError error, uint64_t session_id) {
  FlushAnswers();
  WireRefusal refusal;
  const std::string_view name = FrameErrorName(error);
  refusal.reason = static_cast<uint32_t>(error);
  refusal.name_size = static_cast<uint16_t>(name.size());
  uint8_t buffer[sizeof refusal + 64];
  FrameWriter frame(buffer);
  frame.Add(refusal);
  frame.AddText(name);
  // Nobody to tell when this fails: the exit status says the same.
  (void)WriteFrame(kControlDescriptor, frame.Finish(FrameType::kRefusal, session_id));
  return kWorkerRefused;
}

constexpr int kGoOn = -1;

// Sleeps without a bound until a frame comes, or a signal.
void AwaitFrame() {
  pollfd waiting = {.fd = kControlDescriptor, .events = POLLIN, .revents = 0};
  (void)poll(&waiting, 1, -1);
}

// Waits for a frame. kGoOn: it is in `frame`; otherwise the exit status.
int AwaitTask(Role& role, TaskFrame& frame) {
  static uint8_t buffer[kFrameSizeMax];
  size_t size = 0;
  for (;;) {
    switch (ReceiveFrame(kControlDescriptor, buffer, &size, &frame.descriptors)) {
      case ReceiveEnd::kFrame:
        frame.bytes = {buffer, size};
        return kGoOn;
      case ReceiveEnd::kClosed:
      case ReceiveEnd::kUnread: return kWorkerDone;
      case ReceiveEnd::kInterrupted: break;
      case ReceiveEnd::kWouldBlock:
        if (!role.Idle()) {
          return kWorkerResetFailed;
        }
        AwaitFrame();
        break;
      case ReceiveEnd::kTruncated: return Refuse(FrameError::kTruncated, 0);
      case ReceiveEnd::kError: return kWorkerRefused;
    }
    if (role.stop_requested()) {
      return kWorkerDone;
    }
  }
}

// What a worker has been told to do, and how much of it is done.
struct Tasks {
  Role& role;
  unsigned max;
  unsigned done = 0;
};

// Does one task. kGoOn: it was answered and another may come; otherwise the exit status.
int DoTask(Tasks& tasks, TaskFrame& frame) {
  FrameError error = ReadHeader(frame.bytes, frame.descriptors.count(), &frame.header);
  if (error == FrameError::kNone &&
      frame.header.type != static_cast<uint16_t>(tasks.role.task_type())) {
    error = FrameError::kType;
  }
  if (error == FrameError::kNone) {
    error = tasks.role.Do(frame);
  }
  frame.descriptors.CloseAll();
  if (error != FrameError::kNone) {
    return Refuse(error, frame.header.session_id);
  }
  if (++tasks.done == tasks.max) {
    return kWorkerDone;
  }
  if (!tasks.role.Renew()) {
    return kWorkerResetFailed;
  }
  // A request to end that came while the task was done.
  return tasks.role.stop_requested() ? kWorkerDone : kGoOn;
}

// Does the tasks of a `starts` frame in order, each like one that came alone. The descriptors are
// those of the first.
int DoMany(Tasks& tasks, TaskFrame& frame) {
  std::span<const uint8_t> rest = frame.bytes.subspan(sizeof(WireHeader));
  if (tasks.role.task_type() != FrameType::kStart) {
    return Refuse(FrameError::kType, frame.header.session_id);
  }
  GatherAnswers(true);
  int end;
  do {
    const FrameError error = TakeInnerFrame(&rest, &frame.bytes);
    end = error == FrameError::kNone ? DoTask(tasks, frame) : Refuse(error, 0);
    FlushLateAnswers();
  } while (end == kGoOn && !rest.empty());
  GatherAnswers(false);
  return end;
}

int TakeTasks(Tasks& tasks) {
  static TaskFrame frame;
  for (;;) {
    if (const int end = AwaitTask(tasks.role, frame); end != kGoOn) {
      return end;
    }
    const FrameError error = ReadHeader(frame.bytes, frame.descriptors.count(), &frame.header);
    const bool many = error == FrameError::kNone &&
                      frame.header.type == static_cast<uint16_t>(FrameType::kStarts);
    if (const int end = many ? DoMany(tasks, frame) : DoTask(tasks, frame); end != kGoOn) {
      return end;
    }
  }
}

}  // namespace

int Serve(const WorkerOptions& options, Role& role) {
  const uint64_t start_us = MonotonicUs();
  const auto pid = static_cast<uint32_t>(getpid());  // asked while it may be
  LockdownStatus status;
  if (const Failure failure = RaiseWall(options, role, &status); failure.failed()) {
    return TellSetUpFailure(failure);
  }
  // SAFETY: from here on bytes of others come in; the outer wall stands.
  WireHello hello;
  hello.pid = pid;
  hello.role = static_cast<uint8_t>(options.role);
  hello.tasks_max = options.tasks_max;
  hello.image_version = kImageVersion;
  hello.walls = WallsOf(status);
  hello.cpu_features = CpuFeatures::OfThisCpu().bits();
  hello.setup_us = MonotonicUs() - start_us;
  if (!SayHello(hello)) {
    return kWorkerDone;  // the owner is gone already
  }
  Tasks tasks{role, options.tasks_max};
  return TakeTasks(tasks);
}

}  // namespace zvm
