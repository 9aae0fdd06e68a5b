// Reads guest address 0.
// expect: outcome=trapped status=4 signal=11
// unvalidated: same
#include "attack.h"

_start:
    LOAD32 0, %ecx
    EXIT $1
