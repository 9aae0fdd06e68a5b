// Ignores the operator: a termination signal must end an endless loop.
// on-gate: terminate
// expect: outcome=cancelled status=4 reason=terminated
// unvalidated: same
#include "attack.h"

_start:
    GATE
1:  jmp 1b
