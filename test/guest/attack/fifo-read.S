// A FIFO whose writer says nothing: a read blocks in the host until the wall clock ends it.
// expect: outcome=limited status=4 reason=limit-wall-time
// unvalidated: same
// stdin: fifo-held
// options: --wall-ms 100
#include "attack.h"

_start:
    EXPECT_ARGS TRAP_READ, STDIN, 0x800000, 16, 0, 0, 1
    EXIT $2
