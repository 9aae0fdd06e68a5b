// Enters the last trampoline slot that has code: no service there.
// expect: outcome=trapped status=22 signal=0
// unvalidated: outcome=trapped status=22 signal=0
#include "attack.h"

_start:
    JUMP 0x1FFC0
