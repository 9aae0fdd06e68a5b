// Is this text exactly one well-formed JSON value (RFC 8259)? For tests; knows no values, only
// grammar.
#pragma once

#include <string_view>

namespace zvm {

bool IsWellFormedJson(std::string_view text);

}  // namespace zvm
