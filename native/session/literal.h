// Texts that are compiled into this program, told from everything else that lies in memory.
#pragma once

#include <string_view>

namespace zvm {

// True when all of `text` lies in memory that this program's file holds and never writes: the same
// bytes in every process, so showing them to anybody tells nothing.
[[nodiscard]] bool IsLiteral(std::string_view text);

}  // namespace zvm
