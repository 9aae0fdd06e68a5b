// Jails the same page twice, unjails it twice: no state is left behind.
// expect: outcome=exited code=0 status=0
// unvalidated: same
#include "attack.h"

_start:
    FILL_HALTS 0x800000, 0x20000
    EXPECT jail_block, 0, 10
    EXPECT jail_block, 0, 11
    EXPECT unjail_block, 0, 12
    EXPECT unjail_block, 0, 13
    STORE32 0x800000, %ecx
    EXIT $0

    .data
    BLOCK jail_block, TRAP_JAIL, 0x800000, 0x10000
    BLOCK unjail_block, TRAP_UNJAIL, 0x800000, 0x10000
