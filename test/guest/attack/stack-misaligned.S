// An odd rsp: traps work, the host aligns its own stack.
// expect: outcome=exited code=0
// unvalidated: same
#include "attack.h"

_start:
    SET_RSP 0x800003
    TRAP gate_block
    CHECK %eax, 1, 1
    EXIT $0
