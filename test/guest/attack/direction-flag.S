// Traps with the direction flag set: host code that copies with string instructions would run backwards.
// expect: outcome=exited code=0
// unvalidated: same
#include "attack.h"

_start:
    std
    TRAP gate_block
    CHECK %eax, 1, 1
    std
    EXIT $0
