#include "worker/output_log.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "wire/frame_writer.h"
#include "worker/answers.h"
#include "worker/serve.h"

namespace zvm {
namespace {

bool OwnerHasRoom() {
  pollfd owner = {.fd = kControlDescriptor, .events = POLLOUT, .revents = 0};
  return poll(&owner, 1, 0) == 1 && owner.revents == POLLOUT;
}

}  // namespace

void OutputLog::Begin(uint64_t session_id) {
  session_id_ = session_id;
  size_ = sizeof(WireHeader);
  record_at_ = 0;
}

std::span<const uint8_t> OutputLog::records() const {
  return {frame_ + sizeof(WireHeader), size_ - sizeof(WireHeader)};
}

void OutputLog::SetHeader() {
  WireHeader header;
  header.type = static_cast<uint16_t>(FrameType::kOutput);
  header.size_bytes = static_cast<uint32_t>(size_);
  header.session_id = session_id_;
  std::memcpy(frame_, &header, sizeof header);
}

void OutputLog::FlushNow() {
  if (size_ == sizeof(WireHeader) || !OwnerHasRoom()) {
    return;
  }
  FlushAnswers();
  // Only this process writes there, so what has room does not wait. What fails now fails again with
  // the report.
  if (!OwnerHasRoom()) {
    return;
  }
  SetHeader();
  if (write(kControlDescriptor, frame_, size_) >= 0) {
    Begin(session_id_);
  }
}

// Sends what is there. False: the owner does not take it (errno), or `stop`.
bool OutputLog::Flush(const StopRequest& stop) {
  // One write of the guest may take thousands of frames.
  if (stop.requested()) {
    return false;
  }
  // Reports of sessions before this one come first.
  FlushAnswers();
  SetHeader();
  ssize_t sent;
  do {
    sent = write(kControlDescriptor, frame_, size_);
  } while (sent < 0 && errno == EINTR && !stop.requested());
  if (sent < 0) {
    return false;
  }
  Begin(session_id_);
  return true;
}

void OutputLog::StartRecord(uint16_t tag) {
  record_at_ = size_;
  record_ = {.channel = tag};
  size_ += sizeof record_;
}

Transfer OutputLog::Take(uint16_t tag, std::span<const uint8_t> bytes, const StopRequest& stop) {
  Transfer transfer;
  while (transfer.size_bytes < bytes.size()) {
    const bool continues = record_at_ != 0 && record_.channel == tag;
    const size_t room = sizeof frame_ - size_, needed = continues ? 0 : sizeof record_;
    if (room <= needed) {
      if (!Flush(stop)) {
        transfer.end = stop.requested() ? TransferEnd::kStopped : TransferEnd::kError;
        transfer.error = errno;
        return transfer;
      }
      continue;
    }
    if (!continues) {
      StartRecord(tag);
    }
    const size_t part = std::min(bytes.size() - transfer.size_bytes, sizeof frame_ - size_);
    std::memcpy(frame_ + size_, bytes.data() + transfer.size_bytes, part);
    size_ += part;
    transfer.size_bytes += part;
    record_.size_bytes += static_cast<uint32_t>(part);
    std::memcpy(frame_ + record_at_, &record_, sizeof record_);
  }
  return transfer;
}

}  // namespace zvm
