// The edges of all four quotas: the last byte, the byte behind it, the last operation, the one
// after it.
// expect: outcome=exited code=0 status=0
// unvalidated: same
// channel: @/stdin, /dev/stdin, 0, 0, 100, 100, 0, 0
// channel: @/stdout, /dev/stdout, 0, 0, 0, 0, 100, 10
// channel: @/stderr, /dev/stderr, 0, 0, 0, 0, 2, 100
#include "attack.h"

_start:
    EXPECT_ARGS TRAP_WRITE, 1, 0x800000, 4, 0, 4, 1
    EXPECT_ARGS TRAP_WRITE, 1, 0x800000, 10, 0, 6, 2
    EXPECT_ARGS TRAP_WRITE, 1, 0x800000, 1, 0, INVAL, 3
    EXPECT_ARGS TRAP_WRITE, 1, 0x800000, 0, 0, 0, 4
    EXPECT_ARGS TRAP_WRITE, 2, 0x800000, 1, 0, 1, 5
    EXPECT_ARGS TRAP_WRITE, 2, 0x800000, 1, 0, 1, 6
    EXPECT_ARGS TRAP_WRITE, 2, 0x800000, 1, 0, DQUOT, 7
    EXPECT_ARGS TRAP_READ, 0, 0x800000, 60, 0, 60, 20
    EXPECT_ARGS TRAP_READ, 0, 0x800000, 60, 0, 40, 21
    EXPECT_ARGS TRAP_READ, 0, 0x800000, 1, 0, DQUOT, 22
    EXPECT_ARGS TRAP_READ, 1, 0x800000, 1, 0, DQUOT, 23
    EXIT $0
