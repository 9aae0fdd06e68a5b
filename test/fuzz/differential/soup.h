// Single instructions by structure: prefixes, REX or VEX, map, opcode, operand bytes, all random
// but shaped. Knows the encoding of x86 and nothing of the rules.
#pragma once

#include "random.h"

namespace zvm::differential {

// Appends exactly `count` bytes of valid code that does nothing of interest, mostly in long
// instructions: the accept filter leaves bundles of many short ones to the exact path.
void AppendFiller(Random& random, Bytes& out, size_t count);

// One encoding, legal or not. Its immediate, if the opcode takes one, may be short or long.
Bytes MakeInstruction(Random& random);

// ModRM, SIB and displacement of a memory operand with `base` and `index` (0-15; index -1: none;
// base -1: rip). `reg` is ModRM.reg. Sets bits R, X, B (4, 2, 1) in `rex_bits`.
Bytes MakeMemoryOperand(Random& random, int reg, int base, int index, int& rex_bits);

}  // namespace zvm::differential
