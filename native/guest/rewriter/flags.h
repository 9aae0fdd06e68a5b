// How an instruction deals with the condition flags, for one check: masking an indirect jump
// changes the flags, so no jump target may read them before it sets them.
#pragma once

#include <string_view>

namespace zvm::guest {

enum class FlagUse : unsigned char { kNone, kReads, kSets };

// Calls, returns and jumps count as kSets: what follows them is not reached in a straight line.
FlagUse FlagUseOf(std::string_view mnemonic);

}  // namespace zvm::guest
