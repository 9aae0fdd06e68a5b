// TextBuffer: formats text into a fixed buffer without allocating. Safe in signal handlers and
// after lockdown, when malloc may no longer ask the kernel for memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace zvm {

// Appends what fits; what does not fit is dropped and remembered in truncated().
class TextBuffer {
 public:
  TextBuffer(char* storage, size_t capacity_bytes) : data_(storage), capacity_(capacity_bytes) {}

  TextBuffer& Add(std::string_view text);
  TextBuffer& AddChar(char c);
  TextBuffer& AddUnsigned(uint64_t value);
  TextBuffer& AddSigned(int64_t value);
  // Lower-case hexadecimal, padded with zeros to `digits` (0 = no padding), without "0x".
  TextBuffer& AddHex(uint64_t value, unsigned digits = 0);
  // `value` / 10^decimals with exactly `decimals` digits after the point.
  TextBuffer& AddFixed(uint64_t value, unsigned decimals);
  // `text` as a JSON string with its quotes. Well-formed UTF-8 stays as it is, control characters
  // are escaped, any other byte becomes U+FFFD. At most 6 bytes for each byte of `text`.
  TextBuffer& AddJsonString(std::string_view text);

  std::string_view view() const { return {data_, size_}; }
  size_t size() const { return size_; }
  bool truncated() const { return truncated_; }
  void Clear() { size_ = 0, truncated_ = false; }

 private:
  size_t AddJsonSequence(std::string_view text);

  char* data_;
  size_t capacity_;
  size_t size_ = 0;
  bool truncated_ = false;
};

// A TextBuffer with its own storage of N bytes.
template <size_t N>
class FixedText : public TextBuffer {
 public:
  FixedText() : TextBuffer(storage_, N) {}
  FixedText(const FixedText&) = delete;
  FixedText& operator=(const FixedText&) = delete;

 private:
  char storage_[N];
};

}  // namespace zvm
