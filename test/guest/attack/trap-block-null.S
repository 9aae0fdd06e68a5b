// The argument block is at address 0.
// expect: outcome=trapped status=14
// unvalidated: same
#include "attack.h"

_start:
    TRAP_AT 0
