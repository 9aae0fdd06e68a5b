// The complete decoder of one instruction: everything the rules must know about it. Careful rather
// than fast; the inner loop (scan_exact.cc) decodes the common forms itself.
#pragma once

#include <cstddef>
#include <cstdint>

#include "validator/decode_tables.h"

namespace zvm {

inline constexpr size_t kInstructionMax = 15;  // bytes, the processor's own limit

struct Instruction {
  uint8_t length = 0;  // bytes; 0 = not an instruction of the allow-list
  uint8_t rex = 0;     // the REX byte, or 40 | R X B of a VEX prefix; 0 = none
  uint8_t rex_offset = 0;     // where the REX byte is, when there is one
  uint8_t opcode_offset = 0;  // where the last opcode byte is
  uint8_t opcode = 0;
  bool vex = false;
  bool gs_relative = false;  // E1: starts with 65 67
  bool zext = false;         // `dest` is zero-extended from 32 bits
  bool byte_dest = false;    // the written registers are 8 bits wide
  uint8_t dest = kNoRegister;       // the register written
  uint8_t also_dest = kNoRegister;  // a second one (exchange, xadd, cmpxchg)
  bool checked = false;             // has a memory operand whose address is checked
  bool base_ok = true;
  uint8_t index = kNoRegister;
  uint8_t need = 0;  // index in kNeeds
  bool jump8 = false;
  bool jump32 = false;
};

// Decodes at `code`, of which `available` bytes may be read. An instruction that would be longer is
// not recognised. gs-relative operands are always decoded: whether the profile allows them is the
// caller's question.
Instruction DecodeInstruction(const uint8_t* code, size_t available);

}  // namespace zvm
