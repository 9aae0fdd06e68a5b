#include "pump/pump_wait.h"

#include <poll.h>
#include <sys/ioctl.h>

#include <cerrno>

#include "base/monotonic.h"

namespace zvm {
namespace {

constexpr short kBroken = POLLERR | POLLHUP | POLLNVAL;

// Polls the end that is waited for, the other one and `stop`; 0 = go on, else errno.
int PollThree(pollfd (&ends)[3], PumpWait what, PumpProgress& progress) {
  const uint64_t began_us = MonotonicUs();
  progress.wait_began_us.store(began_us, std::memory_order_relaxed);
  progress.waits_for.store(what, std::memory_order_release);
  int ready = 0;
  do {
    ready = poll(ends, 3, -1);
  } while (ready < 0 && errno == EINTR);
  const int error = ready < 0 ? errno : 0;
  progress.waits_for.store(PumpWait::kNothing, std::memory_order_release);
  if (what == PumpWait::kSource) {
    progress.source_wait_us.fetch_add(MonotonicUs() - began_us, std::memory_order_relaxed);
  }
  return error;
}

}  // namespace

uint64_t QueuedBytes(int fd) {
  int size = 0;
  return ioctl(fd, FIONREAD, &size) == 0 && size > 0 ? static_cast<uint64_t>(size) : 0;
}

Waited WaitForBytes(const PumpFds& fds, PumpProgress& progress) {
  pollfd ends[] = {{fds.source, POLLIN, 0}, {-1, 0, 0}, {fds.stop, POLLIN, 0}};
  if (PollThree(ends, PumpWait::kSource, progress) != 0) {
    return Waited::kFailed;
  }
  return ends[2].revents != 0 ? Waited::kStopped : Waited::kReady;
}

Waited WaitForPipe(const PumpFds& fds, uint64_t left_bytes, PumpProgress& progress) {
  pollfd ends[] = {
      {fds.sink, POLLOUT, 0}, {fds.source, POLLRDHUP, 0}, {fds.stop, POLLIN, 0}};
  for (;;) {
    if (PollThree(ends, PumpWait::kSink, progress) != 0) {
      return Waited::kFailed;
    }
    if (ends[2].revents != 0) {
      return Waited::kStopped;
    }
    if ((ends[0].revents & kBroken) != 0) {
      return Waited::kReaderGone;
    }
    if ((ends[1].revents & kBroken) != 0) {
      return Waited::kPeerGone;
    }
    if ((ends[1].revents & POLLRDHUP) != 0) {
      // It sends no more. What it has sent may be all that it owes.
      if (QueuedBytes(fds.source) < left_bytes) {
        return Waited::kPeerGone;
      }
      ends[1].events = 0;
    }
    if (ends[0].revents != 0) {
      return Waited::kReady;
    }
  }
}

Waited WaitForGuest(const PumpFds& fds, PumpProgress& progress) {
  pollfd ends[] = {{fds.source, POLLIN, 0}, {fds.sink, 0, 0}, {fds.stop, POLLIN, 0}};
  if (PollThree(ends, PumpWait::kSource, progress) != 0) {
    return Waited::kFailed;
  }
  if (ends[2].revents != 0) {
    return Waited::kStopped;
  }
  return (ends[1].revents & kBroken) != 0 ? Waited::kPeerGone : Waited::kReady;
}

Waited WaitForClient(const PumpFds& fds, PumpProgress& progress) {
  pollfd ends[] = {{fds.sink, POLLOUT, 0}, {-1, 0, 0}, {fds.stop, POLLIN, 0}};
  if (PollThree(ends, PumpWait::kSink, progress) != 0) {
    return Waited::kFailed;
  }
  if (ends[2].revents != 0) {
    return Waited::kStopped;
  }
  return (ends[0].revents & kBroken) != 0 ? Waited::kPeerGone : Waited::kReady;
}

}  // namespace zvm
