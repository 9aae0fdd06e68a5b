// Reads the hole between heap and user manifest.
// expect: outcome=trapped status=4 signal=11
// unvalidated: same
#include "attack.h"

_start:
    LOAD32 0x80000000, %ecx
    EXIT $1
