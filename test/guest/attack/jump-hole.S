// Jumps into the hole between heap and user manifest: nothing is mapped there.
// expect: outcome=trapped status=4 signal=11 address=0x80000000
// unvalidated: outcome=trapped status=4 signal=11 address=0x80000000
#include "attack.h"

_start:
    JUMP 0x80000000
