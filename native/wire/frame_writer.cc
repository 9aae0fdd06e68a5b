#include "wire/frame_writer.h"

#include "base/check.h"

namespace zvm {

void FrameWriter::AddBytes(const void* data, size_t size) {
  ZVM_CHECK(size <= buffer_.size() - size_);
  if (size != 0) {
    std::memcpy(buffer_.data() + size_, data, size);
    size_ += size;
  }
}

std::span<const uint8_t> FrameWriter::Finish(FrameType type, uint64_t session_id,
                                             size_t fd_count) {
  ZVM_CHECK(size_ >= sizeof(WireHeader) && size_ <= kFrameSizeMax);
  ZVM_CHECK(fd_count <= kFrameDescriptorsMax);
  WireHeader header;
  header.type = static_cast<uint16_t>(type);
  header.size_bytes = static_cast<uint32_t>(size_);
  header.fd_count = static_cast<uint16_t>(fd_count);
  header.session_id = session_id;
  std::memcpy(buffer_.data(), &header, sizeof header);
  return buffer_.first(size_);
}

}  // namespace zvm
