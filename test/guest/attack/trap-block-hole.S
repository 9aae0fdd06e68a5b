// The argument block is in the hole: the host must not fault on it.
// expect: outcome=trapped status=14
// unvalidated: same
#include "attack.h"

_start:
    TRAP_AT 0x80000000
