// The largest session: 4 GiB, the heap ends where the user manifest begins. Buffers up to its
// very end work, one byte more does not.
// expect: outcome=exited code=0 status=0
// unvalidated: same
// memory: 4096M
#include "attack.h"

_start:
    EXPECT_ARGS TRAP_READ, STDIN, 0xFEFEFFFF, 1, 0, 1, 1
    EXPECT_ARGS TRAP_READ, STDIN, 0xFEFEFFFF, 2, 0, INVAL, 2
    EXPECT_ARGS TRAP_READ, STDIN, 0xFEFF0000, 1, 0, INVAL, 3
    EXPECT_ARGS TRAP_READ, STDIN, 0x80000000, 16, 0, 16, 4
    EXIT $0
