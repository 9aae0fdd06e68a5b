#include "base/text_buffer.h"

#include <cstring>

namespace zvm {

TextBuffer& TextBuffer::Add(std::string_view text) {
  const size_t room = capacity_ - size_;
  const size_t take = text.size() <= room ? text.size() : room;
  if (take != 0) {
    std::memcpy(data_ + size_, text.data(), take);
  }
  size_ += take;
  truncated_ |= take != text.size();
  return *this;
}

TextBuffer& TextBuffer::AddChar(char c) { return Add({&c, 1}); }

TextBuffer& TextBuffer::AddUnsigned(uint64_t value) {
  char digits[20];
  size_t at = sizeof digits;
  do {
    digits[--at] = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value != 0);
  return Add({digits + at, sizeof digits - at});
}

TextBuffer& TextBuffer::AddSigned(int64_t value) {
  if (value < 0) {
    AddChar('-');
    return AddUnsigned(uint64_t{0} - static_cast<uint64_t>(value));
  }
  return AddUnsigned(static_cast<uint64_t>(value));
}

TextBuffer& TextBuffer::AddHex(uint64_t value, unsigned digits) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  char text[16];
  size_t at = sizeof text;
  do {
    text[--at] = kDigits[value & 15];
    value >>= 4;
  } while (value != 0);
  while (at > 0 && sizeof text - at < digits) {
    text[--at] = '0';
  }
  return Add({text + at, sizeof text - at});
}

TextBuffer& TextBuffer::AddFixed(uint64_t value, unsigned decimals) {
  uint64_t unit = 1;
  for (unsigned i = 0; i < decimals; ++i) {
    unit *= 10;
  }
  AddUnsigned(value / unit);
  if (decimals != 0) {
    AddChar('.');
  }
  for (unsigned i = 0; i < decimals; ++i) {
    unit /= 10;
    AddChar(static_cast<char>('0' + value / unit % 10));
  }
  return *this;
}

TextBuffer& TextBuffer::AddJsonString(std::string_view text) {
  AddChar('"');
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      AddChar('\\').AddChar(c);
    } else if (byte < 0x20 || byte >= 0x7F) {
      Add("\\u00").AddHex(byte, 2);
    } else {
      AddChar(c);
    }
  }
  return AddChar('"');
}

}  // namespace zvm
