// Ignores the operator while most of its time passes in host code.
// on-gate: terminate
// expect: outcome=cancelled status=4 reason=terminated
// unvalidated: same
#include "attack.h"

_start:
    GATE
1:  TRAP empty_write
    jmp 1b

    .data
    BLOCK empty_write, TRAP_WRITE, STDOUT, empty_write, 0, 0
