#include "base/text_buffer.h"

#include <cstring>

namespace zvm {
namespace {

// Size of the well-formed UTF-8 sequence of 2 to 4 bytes at the start of `text`, else 0. Excluded
// as the Unicode standard says (table 3-7): overlong forms, surrogates, beyond U+10FFFF.
size_t Utf8SequenceSize(std::string_view text) {
  const auto byte = [&](size_t at) {
    return at < text.size() ? static_cast<unsigned char>(text[at]) : 0u;
  };
  const unsigned lead = byte(0);
  const size_t size = lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
  const unsigned second_min = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const unsigned second_max = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (size == 0 || byte(1) < second_min || byte(1) > second_max) {
    return 0;
  }
  for (size_t at = 2; at < size; ++at) {
    if (byte(at) < 0x80 || byte(at) > 0xBF) {
      return 0;
    }
  }
  return size;
}

}  // namespace

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

// The bytes above ASCII at the start of `text`; returns how many were consumed.
size_t TextBuffer::AddJsonSequence(std::string_view text) {
  const size_t size = Utf8SequenceSize(text);
  if (size == 0) {
    Add("\\ufffd");
    return 1;
  }
  const auto second = static_cast<unsigned char>(text[1]);
  if (text[0] == '\xC2' && second < 0xA0) {
    Add("\\u00").AddHex(second, 2);  // U+0080 to U+009F are control characters too
  } else {
    Add(text.substr(0, size));
  }
  return size;
}

TextBuffer& TextBuffer::AddJsonString(std::string_view text) {
  AddChar('"');
  while (!text.empty()) {
    const char c = text[0];
    const auto byte = static_cast<unsigned char>(c);
    size_t used = 1;
    if (c == '"' || c == '\\') {
      AddChar('\\').AddChar(c);
    } else if (byte < 0x20 || byte == 0x7F) {
      Add("\\u00").AddHex(byte, 2);
    } else if (byte < 0x80) {
      AddChar(c);
    } else {
      used = AddJsonSequence(text);
    }
    text.remove_prefix(used);
  }
  return AddChar('"');
}

}  // namespace zvm
