// Buffer and size of jail count with their low 32 bits; garbage above must not reach any check.
// expect: outcome=exited code=0 status=0
// unvalidated: same
#include "attack.h"

_start:
    FILL_HALTS 0x800000, 0x20000
    EXPECT_ARGS TRAP_JAIL, 0xDEADBEEF00800000, 0xFFFFFFFF00010000, 0, 0, 0, 1
    EXPECT_ARGS TRAP_UNJAIL, 0x440A00800000, 0x100010000, 0, 0, 0, 2
    STORE32 0x800000, %ecx
    EXIT $0
