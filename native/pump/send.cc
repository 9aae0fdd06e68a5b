// From a guest's pipe to the client's socket, in the chunks of HTTP/1.1.
#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <ctime>

#include "pump/pump.h"
#include "pump/pump_wait.h"

namespace zvm {
namespace {

constexpr uint64_t kChunkBytesMax = uint64_t{1} << 20;
// A guest that has streamed so much writes on: less than that much is worth a moment's patience,
// because every wake-up costs as much as moving many pages.
constexpr uint64_t kStreamBytes = uint64_t{1} << 20;
constexpr uint64_t kChunkBytesWanted = uint64_t{256} << 10;
constexpr long kPatienceNs = 200'000;

bool IsGone(int error) { return error == EPIPE || error == ECONNRESET; }
bool IsLater(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

class Sender {
 public:
  Sender(const PumpFds& fds, bool chunked, PumpProgress& progress)
      : fds_(fds), chunked_(chunked), progress_(progress) {}

  PumpResult Run() {
    for (;;) {
      if (progress_.stop_wanted.load(std::memory_order_relaxed)) {
        return Result(PumpEnd::kStopped);
      }
      if (chunk_left_ == 0) {
        uint64_t queued = QueuedBytes(fds_.source);
        if (queued > 0 && queued < kChunkBytesWanted && content_ >= kStreamBytes && !over_) {
          const timespec patience = {.tv_sec = 0, .tv_nsec = kPatienceNs};
          (void)nanosleep(&patience, nullptr);
          queued = QueuedBytes(fds_.source);
        }
        if (queued == 0) {
          if (over_) {
            return Flush() ? Result(PumpEnd::kDone) : Result(end_);
          }
          if (!Take(WaitForGuest(fds_, progress_))) {
            return Result(end_);
          }
          // Readable without bytes is the end of the pipe.
          over_ = QueuedBytes(fds_.source) == 0;
          continue;
        }
        Begin(std::min(queued, kChunkBytesMax));
      }
      if (!SendHead() || !SpliceSome()) {
        return Result(end_);
      }
    }
  }

 private:
  void Begin(uint64_t size_bytes) {
    chunk_left_ = size_bytes;
    if (!chunked_) {
      return;
    }
    // The end of the chunk before travels with the size of the next.
    const int size = std::snprintf(head_, sizeof head_, "%s%llx\r\n", open_ ? "\r\n" : "",
                                   static_cast<unsigned long long>(size_bytes));
    head_at_ = 0;
    head_size_ = static_cast<size_t>(size);
    open_ = true;
  }

  bool Flush() {
    if (open_) {
      head_[0] = '\r';
      head_[1] = '\n';
      head_at_ = 0;
      head_size_ = 2;
      open_ = false;
    }
    return SendHead();
  }

  bool SendHead() {
    while (head_at_ < head_size_) {
      const int more = chunk_left_ > 0 ? MSG_MORE : 0;
      const ssize_t got = send(fds_.sink, head_ + head_at_, head_size_ - head_at_,
                               MSG_DONTWAIT | MSG_NOSIGNAL | more);
      if (got >= 0) {
        head_at_ += static_cast<size_t>(got);
        Count(static_cast<uint64_t>(got));
      } else if (!Recover(errno)) {
        return false;
      }
    }
    return true;
  }

  // The pipe holds what is left of the chunk: a full socket is all that it can wait for.
  bool SpliceSome() {
    const ssize_t got =
        splice(fds_.source, nullptr, fds_.sink, nullptr, chunk_left_, SPLICE_F_NONBLOCK);
    if (got > 0) {
      chunk_left_ -= static_cast<uint64_t>(got);
      content_ += static_cast<uint64_t>(got);
      Count(static_cast<uint64_t>(got));
      return true;
    }
    // Nobody else reads the pipe, so that bytes which were there cannot be missing.
    return got < 0 ? Recover(errno) : Fail(PumpEnd::kFailed, EIO);
  }

  bool Recover(int error) {
    if (error == EINTR) {
      return true;
    }
    if (IsLater(error)) {
      return Take(WaitForClient(fds_, progress_));
    }
    return Fail(IsGone(error) ? PumpEnd::kSinkGone : PumpEnd::kFailed, error);
  }

  bool Take(Waited waited) {
    switch (waited) {
      case Waited::kReady: return true;
      case Waited::kStopped: return Fail(PumpEnd::kStopped, 0);
      case Waited::kFailed: return Fail(PumpEnd::kFailed, EIO);
      default: return Fail(PumpEnd::kSinkGone, 0);
    }
  }

  bool Fail(PumpEnd end, int error) {
    end_ = end;
    error_ = error;
    return false;
  }

  void Count(uint64_t size_bytes) {
    progress_.socket_bytes.fetch_add(size_bytes, std::memory_order_relaxed);
  }

  // Stopped between two chunks: the end of the last one is still to be sent.
  PumpResult Result(PumpEnd end) {
    PumpResult result{.end = end, .error = error_, .content_bytes = content_,
                      .chunk_left_bytes = chunked_ ? chunk_left_ : 0, .rest = {}};
    result.rest.assign(head_ + head_at_, head_ + head_size_);
    if (open_ && chunk_left_ == 0 && head_at_ == head_size_) {
      result.rest = {'\r', '\n'};
    }
    return result;
  }

  const PumpFds fds_;
  const bool chunked_;
  PumpProgress& progress_;
  char head_[32] = {};
  size_t head_at_ = 0;
  size_t head_size_ = 0;
  uint64_t chunk_left_ = 0;
  uint64_t content_ = 0;
  bool open_ = false;  // a chunk lacks its end
  bool over_ = false;
  PumpEnd end_ = PumpEnd::kDone;
  int error_ = 0;
};

}  // namespace

PumpResult SendAll(const PumpFds& fds, bool chunked, PumpProgress& progress) {
  return Sender(fds, chunked, progress).Run();
}

}  // namespace zvm
