#include "manifest/token.h"

#include "base/check.h"

namespace zvm {
namespace {

constexpr std::string_view kBlanks = " \t\n\v\f\r";

char LowerCase(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// The value of a digit, or 99.
unsigned DigitValue(char c) {
  c = LowerCase(c);
  if (c >= '0' && c <= '9') {
    return static_cast<unsigned>(c - '0');
  }
  return c >= 'a' && c <= 'f' ? static_cast<unsigned>(c - 'a') + 10 : 99;
}

// Takes the prefix that says the base. A "0x" without a digit behind it is the number 0 and a rest.
unsigned TakeBase(std::string_view& digits) {
  if (digits.empty() || digits[0] != '0') {
    return 10;
  }
  if (digits.size() >= 3 && LowerCase(digits[1]) == 'x' && DigitValue(digits[2]) < 16) {
    digits.remove_prefix(2);
    return 16;
  }
  return 8;
}

}  // namespace

std::string_view Strip(std::string_view text) {
  const size_t first = text.find_first_not_of(kBlanks);
  if (first == text.npos) {
    return text.substr(text.size());
  }
  return text.substr(first, text.find_last_not_of(kBlanks) + 1 - first);
}

size_t SplitFields(std::string_view text, char separator, std::span<std::string_view> fields) {
  ZVM_CHECK(!fields.empty());
  size_t count = 0;
  while (count + 1 < fields.size()) {
    const size_t end = text.find(separator);
    if (end == text.npos) {
      break;
    }
    fields[count++] = Strip(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  fields[count++] = Strip(text);
  return count;
}

bool EqualsIgnoringCase(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) {
    return false;
  }
  for (size_t i = 0; i < text.size(); ++i) {
    if (LowerCase(text[i]) != lower[i]) {
      return false;
    }
  }
  return true;
}

IntegerToken ReadInteger(std::string_view text) {
  std::string_view digits = text;
  const bool negative = !digits.empty() && digits[0] == '-';
  if (!digits.empty() && (digits[0] == '-' || digits[0] == '+')) {
    digits.remove_prefix(1);
  }
  const unsigned base = TakeBase(digits);
  const uint64_t magnitude_max = static_cast<uint64_t>(INT64_MAX) + (negative ? 1 : 0);
  uint64_t magnitude = 0;
  bool overflow = false;
  size_t used = 0;
  for (; used < digits.size() && DigitValue(digits[used]) < base; ++used) {
    const unsigned digit = DigitValue(digits[used]);
    // Once too large, always too large: the rest of the digits is only skipped.
    overflow = overflow || magnitude > (magnitude_max - digit) / base;
    magnitude = overflow ? 0 : magnitude * base + digit;
  }
  if (used == 0) {
    return {0, text, false};
  }
  const uint64_t value = negative ? uint64_t{0} - magnitude : magnitude;
  return {static_cast<int64_t>(value), digits.substr(used), overflow};
}

}  // namespace zvm
