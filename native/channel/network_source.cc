#include "channel/network_source.h"

#include <arpa/inet.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "channel/move_all.h"

namespace zvm {
namespace {

constexpr size_t kSizeField = sizeof(uint32_t);

Transfer Broken(Transfer transfer, int error) {
  transfer.end = TransferEnd::kError;
  transfer.error = error;
  return transfer;
}

bool IsDigestSize(uint8_t size) { return size == 0 || size == 40 || size == 64; }

}  // namespace

NetworkSource::NetworkSource(UniqueFd fd, bool writes, const StopRequest& stop)
    : fd_(std::move(fd)), stop_(stop) {
  if (writes) {
    message_ = std::make_unique<uint8_t[]>(kSizeField + kLinkMessageMax);
  }
}

// The connection may not end here: only the end mark ends a stream.
Transfer NetworkSource::ReadExactly(void* buffer, size_t size_bytes) {
  uint8_t* const bytes = static_cast<uint8_t*>(buffer);
  const Transfer transfer =
      MoveAll(fd_.get(), POLLIN, size_bytes, stop_, [&](size_t done, size_t part) {
        return read(fd_.get(), bytes + done, part);
      });
  return transfer.end == TransferEnd::kEnd ? Broken(transfer, ECONNRESET) : transfer;
}

Transfer NetworkSource::WriteExactly(const void* buffer, size_t size_bytes) {
  const uint8_t* const bytes = static_cast<const uint8_t*>(buffer);
  const Transfer transfer =
      MoveAll(fd_.get(), POLLOUT, size_bytes, stop_, [&](size_t done, size_t part) {
        return write(fd_.get(), bytes + done, part);
      });
  return transfer.end == TransferEnd::kEnd ? Broken(transfer, EIO) : transfer;
}

// Sets left_bytes_, or ended_ and peer_digest_.
Transfer NetworkSource::NextMessage() {
  uint32_t size = 0;
  Transfer transfer = ReadExactly(&size, sizeof size);
  if (transfer.end != TransferEnd::kFull) {
    return transfer;
  }
  left_bytes_ = ntohl(size);
  // SAFETY: the peer's number; it bounds nothing but how much is read until the next one.
  if (left_bytes_ > kLinkMessageMax) {
    return Broken({}, EPROTO);
  }
  if (left_bytes_ != 0) {
    return {};
  }
  uint8_t digest_size = 0;
  transfer = ReadExactly(&digest_size, sizeof digest_size);
  if (transfer.end != TransferEnd::kFull) {
    return transfer;
  }
  // SAFETY: the digest is copied into a text of 64 bytes.
  if (!IsDigestSize(digest_size)) {
    return Broken({}, EPROTO);
  }
  transfer = ReadExactly(peer_digest_.text, digest_size);
  if (transfer.end == TransferEnd::kFull) {
    peer_digest_.size = digest_size;
    ended_ = true;
  }
  return transfer;
}

Transfer NetworkSource::Read(uint8_t* buffer, size_t size_bytes, int64_t) {
  Transfer result;
  while (result.size_bytes < size_bytes) {
    if (left_bytes_ == 0 && !ended_) {
      if (const Transfer next = NextMessage(); next.end != TransferEnd::kFull) {
        result.end = next.end;
        result.error = next.error;
        return result;
      }
    }
    if (ended_) {
      result.end = TransferEnd::kEnd;
      return result;
    }
    const size_t part = std::min<size_t>(left_bytes_, size_bytes - result.size_bytes);
    const Transfer moved = ReadExactly(buffer + result.size_bytes, part);
    result.size_bytes += moved.size_bytes;
    left_bytes_ -= static_cast<uint32_t>(moved.size_bytes);
    if (moved.end != TransferEnd::kFull) {
      result.end = moved.end;
      result.error = moved.error;
      return result;
    }
  }
  return result;
}

Transfer NetworkSource::Write(const uint8_t* buffer, size_t size_bytes, int64_t) {
  Transfer result;
  while (result.size_bytes < size_bytes) {
    const size_t part = std::min(size_bytes - result.size_bytes, kLinkMessageMax);
    const uint32_t size = htonl(static_cast<uint32_t>(part));
    std::memcpy(message_.get(), &size, kSizeField);
    std::memcpy(message_.get() + kSizeField, buffer + result.size_bytes, part);
    const Transfer moved = WriteExactly(message_.get(), kSizeField + part);
    if (moved.end != TransferEnd::kFull) {
      result.end = moved.end;
      result.error = moved.error;
      return result;
    }
    result.size_bytes += part;
  }
  return result;
}

Transfer NetworkSource::Complete(std::string_view digest) {
  if (message_ == nullptr) {
    return {};
  }
  const uint8_t digest_size = static_cast<uint8_t>(digest.size());
  ZVM_CHECK(digest.size() <= sizeof peer_digest_.text && IsDigestSize(digest_size));
  std::memset(message_.get(), 0, kSizeField);
  message_[kSizeField] = digest_size;
  std::memcpy(message_.get() + kSizeField + 1, digest.data(), digest.size());
  return WriteExactly(message_.get(), kSizeField + 1 + digest.size());
}

void NetworkSource::Drain() {
  if (message_ != nullptr) {
    return;
  }
  uint8_t unwanted[16384];
  while (Read(unwanted, sizeof unwanted, 0).end == TransferEnd::kFull) {
  }
}

int NetworkSource::End(int64_t) {
  // The descriptor is gone whatever close returns; EINTR is no loss.
  return close(fd_.Release()) == 0 || errno == EINTR ? 0 : errno;
}

}  // namespace zvm
