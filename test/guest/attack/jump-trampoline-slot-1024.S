// Enters a trampoline slot in the middle of the page: no service there.
// expect: outcome=trapped status=22 signal=0
// unvalidated: outcome=trapped status=22 signal=0
#include "attack.h"

_start:
    JUMP 0x18000
