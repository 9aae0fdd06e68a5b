// Runs off the end of its code. At least 32 halts follow every text.
// expect: outcome=trapped status=4 signal=11
// unvalidated: same
#include "attack.h"

_start:
    nop
