// The packed tables that drive both decoders: opcode cells from the allow-list (generated at build
// time) and ModRM/SIB facts (computed at compile time). Constant data only.
#pragma once

#include <array>
#include <cstdint>

#include "validator/decode_word.h"

namespace zvm {

inline constexpr uint32_t kNoRegister = 16;

extern const uint16_t kLegacyIndex[kLegacyCells];  // [LegacyCell(...)]
extern const uint16_t kVexIndex[kVexCells];        // [VexCell(...)]
extern const uint32_t kGroupWords[];  // [(index & kIndexMask) + (kModRm entry & 15)]
extern const uint8_t kX87Need[512];   // [(opcode - D8) * 64 + ModRM - C0]; 0 = not allowed
extern const uint8_t kSuffixNeed[256];  // [3DNow! suffix]; 0 = not allowed
extern const Need kNeeds[];
extern const uint32_t kNeedCount;

// What a ModRM byte says, with REX.R and REX.B (index ModRM | (rex & 5) << 8):
//  bits 0..3  form and digit: ModRM.reg, + 8 in the register form
//  bits 4..6  bytes that follow: SIB and displacement (without the one of SIB base 5)
//  bit 7      a SIB byte follows
//  bits 8..12 register number of ModRM.reg    13..17 of ModRM.rm (register form)
//  bits 18..22 kNoRegister                    23..27 zero
//  bit 28     the base is one that the sandbox allows (also set where a SIB byte decides)
//  bit 29     mod is 0    bit 30  memory form
inline constexpr uint32_t kModRmSib = 1u << 7;
inline constexpr uint32_t kModRmBaseOk = 1u << 28;
inline constexpr uint32_t kModRmMod0 = 1u << 29;
inline constexpr uint32_t kModRmMemory = 1u << 30;
inline constexpr uint32_t kModRmFollowShift = 4;
inline constexpr uint32_t kModRmFollowMask = 7;

// What a SIB byte says, with REX.X and REX.B (index SIB | (rex & 3) << 8 | mod0 << 10):
//  bits 0..4 index register or kNoRegister    bit 5 the base is allowed    bits 6..8 disp32 bytes
//  bit 9     there is an index
inline constexpr uint32_t kSibIndexMask = 31;
inline constexpr uint32_t kSibBaseOk = 1u << 5;
inline constexpr uint32_t kSibFollowShift = 6;
inline constexpr uint32_t kSibFollowMask = 7;
inline constexpr uint32_t kSibHasIndex = 1u << 9;
inline constexpr uint16_t kSibAbsent = kNoRegister | kSibBaseOk;

namespace internal {

// SAFETY: the bases r15 (the sandbox base), rsp and rbp (always base + 32 bits) and rip, with a
// 32-bit displacement and at most 8 times a 32-bit index, stay within the guards around the
// sandbox: 8 * 4 GiB + 2 GiB + 4 GiB is less than 40 GiB on either side.
constexpr bool IsAllowedBase(uint32_t reg) { return reg == 15 || reg == 4 || reg == 5; }

constexpr std::array<uint32_t, 0x600> MakeModRm() {
  std::array<uint32_t, 0x600> table{};
  for (uint32_t rex = 0; rex < 6; ++rex) {
    if ((rex & 2) != 0) {
      continue;
    }
    for (uint32_t byte = 0; byte < 256; ++byte) {
      const uint32_t mod = byte >> 6;
      const uint32_t digit = (byte >> 3) & 7;
      const uint32_t low = byte & 7;
      const uint32_t rm = low | (rex & 1) << 3;
      const bool memory = mod != 3;
      const bool sib = memory && low == 4;
      const bool rip = mod == 0 && low == 5;
      const uint32_t displacement = mod == 1 ? 1 : mod == 2 || rip ? 4 : 0;
      const bool base_ok = !memory || sib || rip || IsAllowedBase(rm);
      table[byte | rex << 8] =
          digit | (memory ? 0 : 8) | (displacement + (sib ? 1 : 0)) << kModRmFollowShift |
          (sib ? kModRmSib : 0) | (digit | (rex & 4) << 1) << kDestReg | rm << kDestRm |
          kNoRegister << kDestNone | (base_ok ? kModRmBaseOk : 0) | (mod == 0 ? kModRmMod0 : 0) |
          (memory ? kModRmMemory : 0);
    }
  }
  return table;
}

constexpr std::array<uint16_t, 0x800> MakeSib() {
  std::array<uint16_t, 0x800> table{};
  for (uint32_t i = 0; i < table.size(); ++i) {
    const bool mod0 = (i >> 10) != 0;
    const uint32_t low = i & 7;
    const uint32_t base = low | ((i >> 8) & 1) << 3;
    const uint32_t index = ((i >> 3) & 7) | ((i >> 9) & 1) << 3;
    const bool no_base = mod0 && low == 5;
    table[i] = static_cast<uint16_t>((index == 4 ? kNoRegister : index) |
                                     (!no_base && IsAllowedBase(base) ? kSibBaseOk : 0) |
                                     (no_base ? 4u << kSibFollowShift : 0) |
                                     (index != 4 ? kSibHasIndex : 0));
  }
  return table;
}

}  // namespace internal

inline constexpr std::array<uint32_t, 0x600> kModRm = internal::MakeModRm();
inline constexpr std::array<uint16_t, 0x800> kSib = internal::MakeSib();

}  // namespace zvm
