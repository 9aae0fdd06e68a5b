// What the rewriter has to know of a mnemonic: how its operands are accessed and which rule treats
// it. Anything not listed is an ordinary instruction that writes its last operand. The validator
// has the last word on every instruction: a gap here costs a refused program, never safety.
#pragma once

#include <string_view>

namespace zvm::guest {

enum class Op : unsigned char {
  kOrdinary,
  kReadsLast,     // cmp, test, bt $n: the last operand is not written
  kAddressOnly,   // lea
  kNoAccess,      // nop, prefetch: the operand is never dereferenced
  kPush,
  kPop,
  kCall,
  kJump,          // jmp
  kBranch,        // jcc, loop, jrcxz: direct only
  kReturn,
  kLeave,
  kExchange,      // xchg, xadd, cmpxchg: writes both operands
  kBitTest,       // bt without suffix rules: register bit index is refused by the validator
  kStringSource,  // lods
  kStringTarget,  // stos, scas
  kStringBoth,    // movs, cmps
  kNonTemporal,   // written as the ordinary store
  kDrop,          // endbr64: not a sandbox instruction, has no effect here
  kRefused,
};

struct Opcode {
  Op op = Op::kOrdinary;
  // kRefused: why. kNonTemporal: the mnemonic that replaces it. Else empty.
  std::string_view note;
};

Opcode FindOpcode(std::string_view mnemonic);

// True when `mnemonic` with a 32-bit destination register leaves that register zero-extended in
// the validator's sense (docs/validator.md, zero-extending instructions).
bool ZeroExtends(std::string_view mnemonic);

}  // namespace zvm::guest
