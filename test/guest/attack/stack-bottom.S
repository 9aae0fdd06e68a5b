// Exactly two words of room above the lowest byte of the stack: enough for a trap.
// expect: outcome=exited code=0
// unvalidated: same
#include "attack.h"

_start:
    SET_RSP 0xFF000010
    TRAP gate_block
    CHECK %eax, 1, 1
    EXIT $0
