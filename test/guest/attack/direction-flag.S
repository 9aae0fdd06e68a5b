// The direction flag is set at every trap: the host's copies must go upwards all the same.
// expect: outcome=exited code=0 status=0
// unvalidated: same
// channel: @/stdin, /dev/stdin, 0, 1, 100, 1000000, 0, 0
#include "attack.h"

_start:
    std
    EXPECT_ARGS TRAP_READ, STDIN, 0x800000, 466, 0, 466, 1
    LOAD32 0x800000, %ecx
    CHECK %ecx, 0x18110A03, 2
    std
    EXPECT_ARGS TRAP_WRITE, STDOUT, 0x800000, 466, 0, 466, 3
    std
    EXIT $0
