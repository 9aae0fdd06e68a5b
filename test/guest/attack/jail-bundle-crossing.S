// An instruction across the end of its bundle in jailed code. Jail refuses and the memory is
// ordinary again.
// expect: outcome=exited code=0 status=0
// unvalidated: same
#include "attack.h"

_start:
    FILL_HALTS 0x800000, 0x20000
    movl $0x0000B8F4, %ecx
    STORE32 0x80001E, %ecx
    EXPECT jail_block, PERM, 10
    STORE32 0x800000, %ecx
    EXPECT unjail_block, 0, 11
    EXIT $0

    .data
    BLOCK jail_block, TRAP_JAIL, 0x800000, 0x10000
    BLOCK unjail_block, TRAP_UNJAIL, 0x800000, 0x10000
