// The packed form of one allow-list row, shared by the table generator (tables/generate.cc) and the
// decoders. One 32-bit word says everything about one opcode cell with one ModRM digit and form.
#pragma once

#include <cstdint>

namespace zvm {

// Where the written register's number lies in a kModRm entry (decode_tables.h), in bits 0..4.
inline constexpr uint32_t kDestReg = 8;    // ModRM.reg
inline constexpr uint32_t kDestRm = 13;    // ModRM.rm as register, or the opcode's register
inline constexpr uint32_t kDestNone = 18;  // writes no tracked register
inline constexpr uint32_t kDestAcc = 23;   // register 0
inline constexpr uint32_t kDestMask = 31;

inline constexpr uint32_t kTailShift = 5;  // 4 bits: bytes of immediate, + 1 with a ModRM byte
inline constexpr uint32_t kTailMask = 15;
inline constexpr uint32_t kNeedShift = 9;  // 6 bits: index in kNeeds
inline constexpr uint32_t kNeedMask = 63;

inline constexpr uint32_t kWordValid = 1u << 15;
inline constexpr uint32_t kWordPlain = 1u << 16;    // the fast loop may decide it: no special kind
inline constexpr uint32_t kWordZext = 1u << 17;     // the written register is zero-extended
inline constexpr uint32_t kWordChecked = 1u << 18;  // a memory operand whose address is checked
inline constexpr uint32_t kWordJump8 = 1u << 19;
inline constexpr uint32_t kWordJump32 = 1u << 20;
inline constexpr uint32_t kWordHint = 1u << 21;
inline constexpr uint32_t kWordLock = 1u << 22;
inline constexpr uint32_t kWordByte = 1u << 23;     // the written register is 8 bits wide
inline constexpr uint32_t kWordAlsoReg = 1u << 24;  // writes ModRM.reg besides ModRM.rm
inline constexpr uint32_t kWordNoRex = 1u << 25;
inline constexpr uint32_t kWordModRm = 1u << 26;
inline constexpr uint32_t kWordKindShift = 27;  // 3 bits: WordKind
inline constexpr uint32_t kWordVvvvUnused = 1u << 30;
inline constexpr uint32_t kWordRUnused = 1u << 31;

enum class WordKind : uint32_t { kPlain, kX87, k3dNow, kFence, kIs4, kNop90 };

// Index tables: opcode cell -> first word of its group of 16 (8 digits in memory form, then 8 in
// register form). The top bit says that a ModRM byte follows; the low four bits guess the tail (see
// kTailShift) before ModRM is known: that of digit 0 in register form, where that is allowed. Only
// the group's words are right for sure.
inline constexpr uint16_t kIndexModRm = 0x8000;
inline constexpr uint16_t kIndexMask = 0x7ff0;
inline constexpr uint16_t kIndexTailMask = 15;

enum class OpcodeMap : uint32_t { kOne, k0f, k0f38, k0f3a };
enum class PrefixClass : uint32_t { kNone, k66, kF3, kF2, k66F2 };

constexpr uint32_t LegacyCell(OpcodeMap map, PrefixClass prefix, uint32_t rex_w, uint32_t opcode) {
  return ((static_cast<uint32_t>(prefix) * 4 + static_cast<uint32_t>(map)) * 2 + rex_w) * 256 +
         opcode;
}
inline constexpr uint32_t kLegacyCells = 5 * 4 * 2 * 256;

// map 1..3, pp 0..3 (none, 66, F3, F2), as in the VEX prefix.
constexpr uint32_t VexCell(uint32_t map, uint32_t pp, uint32_t w, uint32_t l, uint32_t opcode) {
  return ((((map - 1) * 4 + pp) * 2 + w) * 2 + l) * 256 + opcode;
}
inline constexpr uint32_t kVexCells = 3 * 4 * 2 * 2 * 256;

// What an instruction needs beyond being well formed. All bits of `all_of`, and one of `any_of`
// unless that is 0; bits are 1 << CpuFeature.
struct Need {
  const char* name;
  uint32_t all_of;
  uint32_t any_of;
  bool non_temporal;
  bool rdtsc;
  bool cpuid;
};
inline constexpr uint32_t kMaxNeeds = 64;

}  // namespace zvm
