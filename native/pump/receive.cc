// From the client's socket to a guest's pipe.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "pump/pump.h"
#include "pump/pump_wait.h"

namespace zvm {
namespace {

constexpr size_t kSpliceBytesMax = size_t{1} << 20;
constexpr size_t kBlockBytes = size_t{256} << 10;

PumpResult Ended(PumpResult result, PumpEnd end, int error = 0) {
  result.end = end;
  result.error = error;
  return result;
}

// The end of a stream for which waiting had no good end.
PumpResult GivenUp(PumpResult result, Waited why) {
  switch (why) {
    case Waited::kStopped: return Ended(std::move(result), PumpEnd::kStopped);
    case Waited::kFailed: return Ended(std::move(result), PumpEnd::kFailed, EIO);
    default: return Ended(std::move(result), PumpEnd::kSourceEnded);
  }
}

bool IsLater(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

// Readable without bytes is the end: a full pipe would hide it from splice.
bool HasEnded(int source) {
  uint8_t byte;
  const ssize_t got = recv(source, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got == 0 || (got < 0 && !IsLater(errno) && errno != EINTR);
}

// Throws bytes of the socket away, as recv would return them.
ssize_t Discard(int source, uint64_t size_bytes, std::vector<uint8_t>& buffer) {
  buffer.resize(kBlockBytes);
  return recv(source, buffer.data(), std::min<uint64_t>(size_bytes, kBlockBytes), MSG_DONTWAIT);
}

// Writes a block while the client owes `left_bytes` more. kReaderGone: nobody wants it.
Waited WriteBlock(const PumpFds& fds, std::span<const uint8_t> bytes, uint64_t left_bytes,
                  PumpProgress& progress) {
  while (!bytes.empty()) {
    const ssize_t got = write(fds.sink, bytes.data(), bytes.size());
    if (got >= 0) {
      bytes = bytes.subspan(static_cast<size_t>(got));
    } else if (IsLater(errno)) {
      const Waited waited = WaitForPipe(fds, left_bytes, progress);
      if (waited != Waited::kReady) {
        return waited;
      }
    } else if (errno == EPIPE) {
      return Waited::kReaderGone;
    } else if (errno != EINTR) {
      return Waited::kFailed;
    }
  }
  return Waited::kReady;
}

// How many of the last bytes may be the beginning of the delimiter.
size_t HeldBack(std::span<const uint8_t> bytes, std::span<const uint8_t> delimiter) {
  for (size_t size = std::min(bytes.size(), delimiter.size() - 1); size > 0; --size) {
    if (std::memcmp(bytes.data() + bytes.size() - size, delimiter.data(), size) == 0) {
      return size;
    }
  }
  return 0;
}

}  // namespace

PumpResult ReceiveBytes(const PumpFds& fds, uint64_t size_bytes, PumpProgress& progress) {
  PumpResult result;
  std::vector<uint8_t> waste;
  bool wanted = true;
  while (result.content_bytes < size_bytes) {
    if (progress.stop_wanted.load(std::memory_order_relaxed)) {
      return Ended(std::move(result), PumpEnd::kStopped);
    }
    const uint64_t left_bytes = size_bytes - result.content_bytes;
    // SAFETY: never more than is left: what follows in the socket is not ours.
    const ssize_t got =
        wanted ? splice(fds.source, nullptr, fds.sink, nullptr,
                        std::min<uint64_t>(left_bytes, kSpliceBytesMax), SPLICE_F_NONBLOCK)
               : Discard(fds.source, left_bytes, waste);
    if (got > 0) {
      result.content_bytes += static_cast<uint64_t>(got);
      progress.socket_bytes.fetch_add(static_cast<uint64_t>(got), std::memory_order_relaxed);
    } else if (got == 0) {
      return Ended(std::move(result), PumpEnd::kSourceEnded);
    } else if (errno == EPIPE) {
      wanted = false;
    } else if (errno == ECONNRESET) {
      return Ended(std::move(result), PumpEnd::kSourceEnded);
    } else if (IsLater(errno)) {
      // The socket is empty or the pipe is full: splice does not tell which.
      const bool is_full = wanted && QueuedBytes(fds.source) > 0;
      const Waited waited =
          is_full ? WaitForPipe(fds, left_bytes, progress) : WaitForBytes(fds, progress);
      if (waited == Waited::kReaderGone) {
        wanted = false;
      } else if (waited != Waited::kReady) {
        return GivenUp(std::move(result), waited);
      } else if (!is_full && HasEnded(fds.source)) {
        return Ended(std::move(result), PumpEnd::kSourceEnded);
      }
    } else if (errno != EINTR) {
      return Ended(std::move(result), PumpEnd::kFailed, errno);
    }
  }
  return result;
}

PumpResult ReceiveUntil(const PumpFds& fds, const Delimited& what, PumpProgress& progress) {
  PumpResult result;
  const std::span<const uint8_t> delimiter = what.delimiter;
  if (delimiter.empty() || delimiter.size() > kDelimiterSizeMax ||
      what.begun.size() >= delimiter.size()) {
    return Ended(std::move(result), PumpEnd::kFailed, EINVAL);
  }
  std::vector<uint8_t> block(kBlockBytes + kDelimiterSizeMax);
  size_t held = what.begun.size();
  std::copy(what.begun.begin(), what.begun.end(), block.begin());
  uint64_t left_bytes = what.body_left_bytes;
  bool wanted = true;
  while (left_bytes > 0) {
    if (progress.stop_wanted.load(std::memory_order_relaxed)) {
      return Ended(std::move(result), PumpEnd::kStopped);
    }
    // SAFETY: never more than is left of the body; `held` is less than kDelimiterSizeMax.
    const ssize_t got = recv(fds.source, block.data() + held,
                             std::min<uint64_t>(left_bytes, kBlockBytes), MSG_DONTWAIT);
    if (got < 0 && IsLater(errno)) {
      const Waited waited = WaitForBytes(fds, progress);
      if (waited != Waited::kReady) {
        return GivenUp(std::move(result), waited);
      }
      continue;
    }
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got == 0 || (got < 0 && errno == ECONNRESET)) {
      return Ended(std::move(result), PumpEnd::kSourceEnded);
    }
    if (got < 0) {
      return Ended(std::move(result), PumpEnd::kFailed, errno);
    }
    left_bytes -= static_cast<uint64_t>(got);
    progress.socket_bytes.fetch_add(static_cast<uint64_t>(got), std::memory_order_relaxed);
    const std::span<const uint8_t> bytes(block.data(), held + static_cast<size_t>(got));
    const void* const found =
        memmem(bytes.data(), bytes.size(), delimiter.data(), delimiter.size());
    const size_t content =
        found != nullptr ? static_cast<size_t>(static_cast<const uint8_t*>(found) - bytes.data())
                         : bytes.size() - HeldBack(bytes, delimiter);
    if (content > what.content_bytes_max - result.content_bytes) {
      return Ended(std::move(result), PumpEnd::kTooLarge);
    }
    if (wanted) {
      const Waited waited = WriteBlock(fds, bytes.first(content), left_bytes, progress);
      if (waited == Waited::kReaderGone) {
        wanted = false;
      } else if (waited != Waited::kReady) {
        return GivenUp(std::move(result), waited);
      }
    }
    result.content_bytes += content;
    if (found != nullptr) {
      const auto rest = bytes.subspan(content + delimiter.size());
      result.rest.assign(rest.begin(), rest.end());
      return Ended(std::move(result), PumpEnd::kDelimiter);
    }
    held = bytes.size() - content;
    std::memmove(block.data(), block.data() + content, held);
  }
  result.rest.assign(block.begin(), block.begin() + static_cast<ptrdiff_t>(held));
  return Ended(std::move(result), PumpEnd::kSourceEnded);
}

}  // namespace zvm
