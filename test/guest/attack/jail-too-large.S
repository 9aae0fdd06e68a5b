// More than 16 MiB at once: refused, so that no trap takes long.
// expect: outcome=exited code=0 status=0
// unvalidated: same
// memory: 128M
#include "attack.h"

_start:
    EXPECT_ARGS TRAP_JAIL, 0x800000, 0x1010000, 0, 0, INVAL, 1
    EXPECT_ARGS TRAP_JAIL, 0x800000, 0x2000000, 0, 0, INVAL, 2
    EXIT $0
