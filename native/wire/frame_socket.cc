#include "wire/frame_socket.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/check.h"

namespace zvm {
namespace {

constexpr size_t kControlSize = CMSG_SPACE(kFrameDescriptorsMax * sizeof(int));

union ControlBuffer {
  cmsghdr aligned;
  char bytes[kControlSize];
};

ReceiveEnd EndOf(ssize_t got) {
  if (got > 0) {
    return ReceiveEnd::kFrame;
  }
  if (got == 0) {
    return ReceiveEnd::kClosed;
  }
  if (errno == ECONNRESET) {
    return ReceiveEnd::kUnread;
  }
  if (errno == EINTR) {
    return ReceiveEnd::kInterrupted;
  }
  return errno == EAGAIN ? ReceiveEnd::kWouldBlock : ReceiveEnd::kError;
}

}  // namespace

UniqueFd FrameDescriptors::Take(size_t index) {
  ZVM_CHECK(index < count_ && fds_[index] >= 0);
  return UniqueFd(std::exchange(fds_[index], -1));
}

int FrameDescriptors::Peek(size_t index) const {
  ZVM_CHECK(index < count_ && fds_[index] >= 0);
  return fds_[index];
}

void FrameDescriptors::CloseAll() {
  for (size_t i = 0; i < count_; ++i) {
    UniqueFd(fds_[i]).Reset();
  }
  count_ = 0;
}

// Moves what the kernel delivered from control data into FrameDescriptors.
class FrameReceiver {
 public:
  static void Collect(msghdr* message, FrameDescriptors* descriptors) {
    for (cmsghdr* part = CMSG_FIRSTHDR(message); part != nullptr;
         part = CMSG_NXTHDR(message, part)) {
      if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) {
        continue;
      }
      const size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      for (size_t i = 0; i < count; ++i) {
        int fd;
        std::memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
        // SAFETY: the control buffer has room for exactly this many.
        ZVM_CHECK(descriptors->count_ < kFrameDescriptorsMax);
        descriptors->fds_[descriptors->count_++] = fd;
      }
    }
  }
};

ReceiveEnd ReceiveFrame(int socket, std::span<uint8_t> buffer, size_t* size_bytes,
                        FrameDescriptors* descriptors) {
  ControlBuffer control;
  iovec data = {buffer.data(), buffer.size()};
  msghdr message = {};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  if (descriptors != nullptr) {
    descriptors->CloseAll();
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control.bytes;
  }
  const ssize_t got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  if (got >= 0 && descriptors != nullptr) {
    FrameReceiver::Collect(&message, descriptors);
  }
  const ReceiveEnd end = EndOf(got);
  if (end == ReceiveEnd::kFrame && (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
    if (descriptors != nullptr) {
      descriptors->CloseAll();
    }
    return ReceiveEnd::kTruncated;
  }
  *size_bytes = end == ReceiveEnd::kFrame ? static_cast<size_t>(got) : 0;
  return end;
}

ReceiveEnd ReceiveFrame(int socket, std::span<uint8_t> buffer, size_t* size_bytes) {
  return ReceiveFrame(socket, buffer, size_bytes, nullptr);
}

int SendFrame(int socket, std::span<const uint8_t> frame, std::span<const int> fds) {
  ZVM_CHECK(fds.size() <= kFrameDescriptorsMax);
  ControlBuffer control = {};
  iovec data = {const_cast<uint8_t*>(frame.data()), frame.size()};
  msghdr message = {};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  if (!fds.empty()) {
    message.msg_control = control.bytes;
    message.msg_controllen = CMSG_SPACE(fds.size_bytes());
    cmsghdr* const part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(fds.size_bytes());
    std::memcpy(CMSG_DATA(part), fds.data(), fds.size_bytes());
  }
  ssize_t sent;
  do {
    sent = sendmsg(socket, &message, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent < 0 ? errno : 0;
}

int WriteFrame(int socket, std::span<const uint8_t> frame) {
  ssize_t sent;
  do {
    sent = write(socket, frame.data(), frame.size());
  } while (sent < 0 && errno == EINTR);
  return sent < 0 ? errno : 0;
}

}  // namespace zvm
