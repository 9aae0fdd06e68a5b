// Builds one frame in a buffer of the caller: a fixed part first, then records and texts. Never
// allocates. Sizes are the caller's business: what does not fit is a programming error.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

#include "wire/layout.h"

namespace zvm {

class FrameWriter {
 public:
  explicit FrameWriter(std::span<uint8_t> buffer) : buffer_(buffer) {}

  template <class T>
  void Add(const T& part) {
    static_assert(std::is_trivially_copyable_v<T>);
    AddBytes(&part, sizeof part);
  }
  void AddText(std::string_view text) { AddBytes(text.data(), text.size()); }

  void AddBytes(const void* data, size_t size);

  // Completes the header at the start of the frame and returns the frame.
  std::span<const uint8_t> Finish(FrameType type, uint64_t session_id, size_t fd_count = 0);

 private:
  std::span<uint8_t> buffer_;
  size_t size_ = 0;
};

// Writes `text` to the start of `field`, which holds zeros, and returns how much of it fits.
template <size_t N>
size_t SetText(char (&field)[N], std::string_view text) {
  const size_t size = text.size() < N ? text.size() : N;
  if (size != 0) {  // an empty text may have no address, which memcpy must not get
    std::memcpy(field, text.data(), size);
  }
  return size;
}

}  // namespace zvm
