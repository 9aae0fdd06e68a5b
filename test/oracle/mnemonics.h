// The oracle's allow-list: which mnemonics of the disassembler's listing the rules know, and what
// they say about each. Words only, no opcode: bytes are judged in form.cc and idioms.cc.
#pragma once

#include <cstdint>
#include <string_view>

namespace zvm::oracle {

// What the rules say about one mnemonic (docs/validator.md). Bits, combined.
enum Trait : uint32_t {
  kAllowed = 1U << 0,        // appears in accepted code at all
  kZeroExtends = 1U << 1,    // a 32-bit register result restricts that register
  kLockable = 1U << 2,       // may carry F0 when its destination is in memory
  kNoAccess = 1U << 3,       // names an address and does not touch it
  kNonTemporal = 1U << 4,    // accepted under nacl, never gs-relative
  kWritesAll = 1U << 5,      // every register operand counts as written
  kExchanges = 1U << 6,      // writes both operands
  kBitString = 1U << 7,      // only with an immediate bit number
  kHinted = 1U << 8,         // may carry one branch hint, 2E or 3E
  kBranches = 1U << 9,       // only with a direct target
  kNeedsOperand = 1U << 10,  // a form without operands is another instruction (push %fs)
  kRexForbidden = 1U << 11,  // no REX prefix at all
  kNo16Bit = 1U << 12,       // no 16-bit form: 66 is refused
  kRestrictsLast = 1U << 13,  // of two results the last listed one restricts, not the first
  kVexOnly = 1U << 14,       // a VEX instruction, and no other may carry this mnemonic
  kNoImmediate = 1U << 15,   // only the form with register operands alone
  kNoRepeat = 1U << 16,      // no F2 or F3, whatever the disassembler makes of it
};

// Peculiarities of the published rules: they take or refuse encodings against the manuals of the
// processors. Each is safe (an undefined or a refused instruction) and needed for equal verdicts.
enum Quirk : uint32_t {
  kIgnoresVvvv = 1U << 20,       // an unused VEX.vvvv may have any value
  kOnly128 = 1U << 21,           // the 256-bit form of AVX2 is refused
  kRegisterOnly256 = 1U << 22,   // register form: VEX.L set and any vvvv, the usual one refused
  kOnlyMemory = 1U << 23,        // the register form is refused
};

// The traits of `mnemonic` as the Intel syntax spells it; 0 when the rules do not allow it.
[[nodiscard]] uint32_t TraitsOf(std::string_view mnemonic);

}  // namespace zvm::oracle
