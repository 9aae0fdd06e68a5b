// Jails a page, then a refused range that overlaps it: all of the range becomes ordinary memory,
// nothing of it stays executable.
// expect: outcome=trapped status=4 signal=11 address=0x00800000
// unvalidated: same
#include "attack.h"

_start:
    FILL_HALTS 0x800000, 0x20000
    EXPECT jail_block, 0, 10
    movl $0xC3F4F4F4, %ecx
    STORE32 0x81FFFC, %ecx
    EXPECT both_block, PERM, 11
    STORE32 0x800020, %ecx
    JUMP 0x800000

    .data
    BLOCK jail_block, TRAP_JAIL, 0x800000, 0x10000
    BLOCK unjail_block, TRAP_UNJAIL, 0x800000, 0x10000
    BLOCK both_block, TRAP_JAIL, 0x800000, 0x20000
