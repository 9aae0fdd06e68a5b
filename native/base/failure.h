// Failure: why a session cannot start or go on, in words for its owner. One type for everything
// that ends in the report; layers below (verdict, loader) keep their own error types.
#pragma once

#include <cerrno>
#include <string_view>

#include "base/text_buffer.h"

namespace zvm {

// `status` is the classic process exit status (docs/abi.md §9): an errno number, 1..255.
// `code` is a stable identifier in kebab-case ("channel-open-failed"), a literal.
// `text` never holds a host address. Line and column are 1-based, 0 = none.
struct Failure {
  int status = 0;
  std::string_view code;
  char text[512] = {};
  unsigned text_size = 0;
  unsigned line = 0;
  unsigned column = 0;

  std::string_view message() const { return {text, text_size}; }
  bool failed() const { return status != 0; }
};

// Makes a Failure; `parts` are joined without blanks. Does not allocate.
template <class... Parts>
[[nodiscard]] Failure MakeFailure(int status, std::string_view code, const Parts&... parts) {
  Failure failure;
  failure.status = status;
  failure.code = code;
  TextBuffer text(failure.text, sizeof failure.text);
  (text.Add(std::string_view(parts)), ...);
  failure.text_size = static_cast<unsigned>(text.size());
  return failure;
}

}  // namespace zvm
