// Recursion without end: 16 MiB of stack, then the read-only user manifest stops it.
// expect: outcome=trapped status=4 signal=11
// unvalidated: same
#include "attack.h"

_start:
again:
    call again
