// The instruction sequences and special forms that the rules state as exact bytes: string and
// indirect-jump superinstructions, stack-register updates, long nops, predicted returns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace zvm::oracle {

struct Idiom {
  enum class Kind : uint8_t {
    kNone,
    kRebaseStack,  // ends the restricted state of rsp; no jump target
    kRebaseFrame,  // the same for rbp
    kPlain,        // one harmless instruction whose bytes are exact
    kSequence,     // superinstruction: only its first byte is a jump target
  };
  Kind kind = Kind::kNone;
  size_t size_bytes = 0;
};

// The idiom at the start of `bytes`, kNone when none lies completely within them.
[[nodiscard]] Idiom FindIdiom(std::span<const uint8_t> bytes, bool allow_predicted_return);

}  // namespace zvm::oracle
