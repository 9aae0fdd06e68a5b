// Lets the host write into jailed code with the read trap, also into a block that only touches
// it: -22. Reading out of it with the write trap is harmless.
// expect: outcome=exited code=0 status=0
// unvalidated: same
#include "attack.h"

_start:
    FILL_HALTS 0x800000, 0x20000
    EXPECT jail_block, 0, 10
    EXPECT_ARGS TRAP_READ, STDIN, 0x800000, 16, 0, INVAL, 20
    EXPECT_ARGS TRAP_READ, STDIN, 0x80FFFF, 2, 0, INVAL, 21
    EXPECT_ARGS TRAP_READ, STDIN, 0x7FFFF0, 32, 0, INVAL, 22
    EXPECT_ARGS TRAP_READ, STDIN, 0x7F0000, 0x30000, 0, INVAL, 23
    EXPECT_ARGS TRAP_READ, STDIN, 0x800000, 0, 0, INVAL, 24
    EXPECT_ARGS TRAP_READ, STDIN, 0x7FFFF0, 16, 0, 16, 25
    EXPECT_ARGS TRAP_READ, STDIN, 0x810000, 16, 0, 16, 26
    EXPECT_ARGS TRAP_WRITE, STDOUT, 0x800000, 16, 0, 16, 30
    EXPECT unjail_block, 0, 11
    EXPECT_ARGS TRAP_READ, STDIN, 0x800000, 16, 0, 16, 31
    EXIT $0

    .data
    BLOCK jail_block, TRAP_JAIL, 0x800000, 0x10000
    BLOCK unjail_block, TRAP_UNJAIL, 0x800000, 0x10000
