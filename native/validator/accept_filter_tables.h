// Lookup tables of the vectorised accept filter: what the filter knows about an opcode byte, in a
// shape that byte permutes can read. Computed by the compiler from the decode tables of the exact
// path (accept_filter_tables.cc), so that no fact is typed twice. Must never claim more than those.
#pragma once

#include <cstdint>

#include "validator/features.h"

namespace zvm {

// FilterTables::*_length: how long an instruction is from its opcode byte on. 0: the filter does
// not know the opcode; the instruction then has no length, so its bundle is never accepted.
inline constexpr uint8_t kLengthBytes = 7;         // 1 + bytes of immediate (4 where it varies)
inline constexpr uint8_t kLengthWideImm = 1 << 3;  // REX.W makes the immediate 4 bytes longer
inline constexpr uint8_t kLengthModRm = 1 << 4;    // ModRM, and what it demands, lies in between
inline constexpr uint8_t kLength66Imm = 1 << 5;    // prefix 66 makes the immediate 2 bytes shorter
inline constexpr uint8_t kLengthDigit0Imm8 = 1 << 6;  // only ModRM digit 0 has an immediate byte
inline constexpr uint8_t kLengthDigit0Imm32 = 1 << 7;  // the same with 4 bytes, 2 with prefix 66

// Facts that hold for every instruction of a class (FilterTables::facts).
inline constexpr uint8_t kFactWritesReg = 1 << 0;  // writes the register in ModRM.reg
inline constexpr uint8_t kFactWritesRm = 1 << 1;   // writes ModRM.rm where that is a register
inline constexpr uint8_t kFactWritesOp = 1 << 2;   // writes the register in the opcode byte
inline constexpr uint8_t kFactWritesAcc = 1 << 3;  // writes eax
inline constexpr uint8_t kFactByte = 1 << 4;       // the written register is 8 bits wide
inline constexpr uint8_t kFactChecked = 1 << 5;    // a memory operand's address is checked
inline constexpr uint8_t kFactJump8 = 1 << 6;      // direct jump or call, 8-bit displacement
inline constexpr uint8_t kFactJump32 = 1 << 7;     // the same with 32 bits

// FilterTables::prefixes: bit `prefix + 4 * REX.W` = that combination may be accepted.
inline constexpr uint32_t kFilterPrefixes = 4;  // in the order of PrefixClass: none, 66, F3, F2

// Opcodes with equal facts share a class. Class 0 accepts nothing.
inline constexpr uint32_t kFilterClasses = 64;

struct FilterTables {
  // By byte value.
  alignas(64) uint8_t one_length[256];  // opcode of the one-byte map: kLength…
  alignas(64) uint8_t two_length[256];  // opcode of map 0F, without the 0F: kLength…
  alignas(64) uint8_t one_class[256];
  alignas(64) uint8_t two_class[256];
  // By class. *_digits: bit n stands for the value n of ModRM.reg; all set without a ModRM byte.
  alignas(64) uint8_t prefixes[kFilterClasses];
  alignas(64) uint8_t register_digits[kFilterClasses];  // accepted with a register operand
  alignas(64) uint8_t memory_digits[kFilterClasses];    // accepted with a memory operand
  alignas(64) uint8_t zero_extending_digits[kFilterClasses];  // with neither prefix nor REX.W
  alignas(64) uint8_t facts[kFilterClasses];
};

extern const FilterTables kFilterTables;
// The same for byte permutes that reach 16 entries only: within each table, and within the halves
// of the tables by byte value, each row of 16 is replaced by its exclusive or with the row before.
extern const FilterTables kFilterRowTables;

// Bytes of ModRM, SIB and displacement, without the displacement that SIB base 5 adds under mod 0.
constexpr uint8_t ModRmLength(uint32_t modrm) {
  const uint32_t mod = modrm >> 6;
  const uint32_t rm = modrm & 7;
  if (mod == 3) {
    return 1;
  }
  const uint32_t displacement = mod == 1 ? 1 : mod == 2 || rm == 5 ? 4 : 0;
  return static_cast<uint8_t>(1 + (rm == 4 ? 1 : 0) + displacement);
}

// The CPU features that accepted instructions may need. A policy without one of them cannot use the
// filter. All of them are part of x86-64.
inline constexpr CpuFeatures kFilterFeatures = CpuFeatures::None()
                                                   .With(CpuFeature::kCmov)
                                                   .With(CpuFeature::kMmx)
                                                   .With(CpuFeature::kSse)
                                                   .With(CpuFeature::kSse2);

}  // namespace zvm
