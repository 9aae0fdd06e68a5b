// Enters the last slot of the trampoline page, which is all halts.
// expect: outcome=trapped status=4 signal=11 address=0x0001ffe0
// unvalidated: outcome=trapped status=4 signal=11 address=0x0001ffe0
#include "attack.h"

_start:
    JUMP 0x1FFE0
