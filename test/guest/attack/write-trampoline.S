// Writes to a trampoline.
// expect: outcome=trapped status=4 signal=11
// unvalidated: same
#include "attack.h"

_start:
    STORE32 0x10000, %ecx
    EXIT $1
