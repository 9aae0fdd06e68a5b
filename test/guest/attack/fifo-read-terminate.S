// The operator ends a session that is blocked in a read.
// expect: outcome=cancelled status=4 reason=terminated
// unvalidated: same
// stdin: fifo-held
// on-gate: terminate
#include "attack.h"

_start:
    GATE
    EXPECT_ARGS TRAP_READ, STDIN, 0x800000, 16, 0, 0, 1
    EXIT $2
