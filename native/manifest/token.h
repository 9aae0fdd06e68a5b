// Small pieces of the manifest grammar: blanks, separated fields, integers (docs/abi.md §5.1).
// Views in, views out: nothing is copied and a result always lies inside its input.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace zvm {

// Removes the C white space (blank, \t \n \v \f \r) at both ends.
std::string_view Strip(std::string_view text);

// Splits at `separator` into stripped fields. When there are more fields than `fields` can hold,
// the last one keeps the rest with its separators. Returns the number of fields, at least 1.
// Requires fields.size() >= 1.
size_t SplitFields(std::string_view text, char separator, std::span<std::string_view> fields);

// Ignores the case of ASCII letters; `lower` is in lower case.
bool EqualsIgnoringCase(std::string_view text, std::string_view lower);

// An integer in the notation of C with base 0: optional sign, 0x hexadecimal, leading-0 octal or
// decimal. `rest` is what follows the number, all of `text` when there is no number at its start.
struct IntegerToken {
  int64_t value = 0;
  std::string_view rest;
  bool overflow = false;  // does not fit 64 bits; value means nothing
};
IntegerToken ReadInteger(std::string_view text);

}  // namespace zvm
