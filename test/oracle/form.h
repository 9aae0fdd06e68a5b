// Checks of one instruction's bytes that a listing cannot show: prefix order, and bits that mean
// nothing. Principle: an encoding may carry nothing that the listing does not say (REX excepted).
#pragma once

#include <cstdint>
#include <span>

#include "listing.h"

namespace zvm::oracle {

// The prefixes of one instruction, in front of its opcode.
struct Prefixes {
  bool gs_relative = false;  // starts with 65 67, adjacent
  bool operand_size = false;
  bool lock = false;
  bool repeat = false;  // F2 or F3
  int hints = 0;        // 2E and 3E
  bool has_rex = false;
  bool rex_w = false;
  bool is_vex = false;
  size_t opcode_at = 0;  // offset of the byte behind the prefixes (C4 or C5 for VEX)
};

// False when the prefixes or the encoding space are refused whatever the opcode is: a segment or
// address-size prefix (65 67 at the very start excepted where `allow_gs`), one twice, REX not last
// or twice, a prefix before VEX, EVEX, XOP.
[[nodiscard]] bool ReadPrefixes(std::span<const uint8_t> bytes, bool allow_gs, Prefixes& out);

// Reads the instruction at the start of `bytes` with its lock prefix taken out (LLVM lists a lock
// as an instruction of its own). `line.size_bytes` is the true length. False: no instruction.
[[nodiscard]] bool ReadLine(Listing& listing, std::span<const uint8_t> bytes,
                            const Prefixes& prefixes, Line& line);

// False when a prefix or a VEX bit of the instruction is refused: meaningless or not permitted.
[[nodiscard]] bool CheckForm(Listing& listing, std::span<const uint8_t> bytes,
                             const Prefixes& prefixes, const Line& line);

}  // namespace zvm::oracle
