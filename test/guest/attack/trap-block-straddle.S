// The argument block begins in the last four bytes of the window.
// expect: outcome=trapped status=14
// unvalidated: same
#include "attack.h"

_start:
    TRAP_AT 0xFFFFFFFC
