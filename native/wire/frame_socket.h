// Frames with descriptors through a seqpacket socket: one message, one frame. Knows nothing of what
// is in a frame. System calls: recvmsg and sendmsg, or write for frames without descriptors.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/unique_fd.h"
#include "wire/layout.h"

namespace zvm {

// The descriptors of one received frame: owned, closed with this object unless taken.
class FrameDescriptors {
 public:
  FrameDescriptors() = default;
  FrameDescriptors(const FrameDescriptors&) = delete;
  FrameDescriptors& operator=(const FrameDescriptors&) = delete;
  ~FrameDescriptors() { CloseAll(); }

  size_t count() const { return count_; }
  // Requires index < count(). Each may be taken once.
  UniqueFd Take(size_t index);
  // The number of one that has not been taken.
  int Peek(size_t index) const;
  void CloseAll();

 private:
  friend class FrameReceiver;
  std::array<int, kFrameDescriptorsMax> fds_;
  size_t count_ = 0;
};

enum class ReceiveEnd : uint8_t {
  kFrame,
  kClosed,       // the peer is gone (or sent a message without a byte, which is no frame)
  kUnread,       // told once: the peer went without having received what was sent last; what
                 // it had sent itself still comes
  kInterrupted,  // a signal
  kWouldBlock,   // non-blocking sockets only
  kTruncated,    // the message or its descriptors did not fit; what came of it is closed
  kError,        // errno
};

// Receives one message into `buffer` (kFrameSizeMax bytes). All descriptors are close-on-exec.
// `accept_descriptors` false: a peer that sends one gets kTruncated, and the kernel keeps it.
[[nodiscard]] ReceiveEnd ReceiveFrame(int socket, std::span<uint8_t> buffer, size_t* size_bytes,
                                      FrameDescriptors* descriptors);
[[nodiscard]] ReceiveEnd ReceiveFrame(int socket, std::span<uint8_t> buffer, size_t* size_bytes);

// Sends one frame with copies of `fds` (at most kFrameDescriptorsMax). Returns 0 or an errno.
[[nodiscard]] int SendFrame(int socket, std::span<const uint8_t> frame, std::span<const int> fds);
// The same without descriptors, by write(2), which is all that a locked-down process may use. Waits
// while the socket is full; SIGPIPE must be ignored.
[[nodiscard]] int WriteFrame(int socket, std::span<const uint8_t> frame);

}  // namespace zvm
