// The one loop around a system call that moves bytes: short counts, signals, stops, and descriptors
// that were passed in non-blocking mode.
#pragma once

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>

#include "base/check.h"
#include "base/stop_request.h"
#include "channel/source.h"

namespace zvm {

// The kernel does not look at signals inside one call on a regular file, so a call is kept to a few
// milliseconds of copying: a stop is seen in time and no trap needs a second call in practice.
inline constexpr size_t kTransferSizeMax = size_t{16} << 20;

// Sleeps until `fd` is ready. False: the descriptor is broken, errno says how.
inline bool AwaitReady(int fd, short events) {
  pollfd waiting = {.fd = fd, .events = events, .revents = 0};
  return poll(&waiting, 1, -1) >= 0 || errno == EINTR;
}

// Repeats `call(done, part)`, which is one system call on `fd`, until `size` bytes are moved. A
// call that moves nothing is the end.
template <class Call>
Transfer MoveAll(int fd, short events, size_t size, const StopRequest& stop, Call call) {
  Transfer transfer;
  while (transfer.size_bytes < size) {
    if (stop.requested()) {
      transfer.end = TransferEnd::kStopped;
      return transfer;
    }
    const size_t part = std::min(size - transfer.size_bytes, kTransferSizeMax);
    const ssize_t moved = call(transfer.size_bytes, part);
    if (moved > 0) {
      ZVM_CHECK(static_cast<size_t>(moved) <= part);
      transfer.size_bytes += static_cast<size_t>(moved);
      continue;
    }
    if (moved == 0) {
      transfer.end = TransferEnd::kEnd;
      return transfer;
    }
    if (errno == EINTR || (errno == EAGAIN && AwaitReady(fd, events))) {
      continue;
    }
    // An outside file size limit signals first (StopReason::kDiskFull), then refuses with EFBIG.
    transfer.error = errno;
    transfer.end = stop.requested() ? TransferEnd::kStopped : TransferEnd::kError;
    return transfer;
  }
  return transfer;
}

}  // namespace zvm
