// Writes to a page after jail has accepted it: the code there was judged, it must not change.
// expect: outcome=trapped status=4 signal=11
// unvalidated: same
#include "attack.h"

_start:
    FILL_HALTS 0x800000, 0x20000
    EXPECT jail_block, 0, 10
    STORE32 0x800000, %ecx
    EXIT $1

    .data
    BLOCK jail_block, TRAP_JAIL, 0x800000, 0x10000
    BLOCK unjail_block, TRAP_UNJAIL, 0x800000, 0x10000
