// The fixed byte sequences that the allow-list cannot express: long nops, updates of rsp and rbp,
// and the superinstructions, which are legal only as a whole and from their start.
#pragma once

#include <cstddef>
#include <cstdint>

namespace zvm {

// Length of a 66-prefixed long nop at `code`, 0 if there is none. Reads `available` bytes at most.
unsigned MatchLongNop(const uint8_t* code, size_t available);

// Length of the instruction that adds the sandbox base to rsp (reg 4) or rbp (reg 5), 0 if none.
unsigned MatchRebase(const uint8_t* code, size_t available, unsigned reg);

// Length of a 64-bit write of rsp or rbp that keeps it in the sandbox, 0 if none.
unsigned MatchStackUpdate(const uint8_t* code, size_t available);

// The tail of a superinstruction: the instruction that is legal only behind its prologue.
struct SequenceTail {
  unsigned length = 0;  // bytes of the tail instruction; 0 = no match
  unsigned start = 0;   // offset in the bundle where the whole sequence starts
  uint8_t need = 0;     // index in kNeeds; 0 = none
  bool zvm = false;     // E2: only profile zvm allows it
  // Inner starts that stop being jump targets, one bit each; includes the tail's own start.
  uint32_t inner = 0;
};

// Looks for a tail at `position` of the bundle, with its prologue right before. `starts` has a bit
// for every offset of the bundle where an instruction was decoded that may be jumped to: the
// prologue must begin at one of these, so that its bytes are the instructions that they seem to be.
SequenceTail MatchSequenceTail(const uint8_t* bundle, unsigned position, uint32_t starts);

}  // namespace zvm
