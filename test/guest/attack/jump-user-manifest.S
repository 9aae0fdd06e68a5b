// Jumps into the user manifest page: readable, never executable.
// expect: outcome=trapped status=4 signal=11 address=0xfeff0000
// unvalidated: outcome=trapped status=4 signal=11 address=0xfeff0000
#include "attack.h"

_start:
    JUMP 0xFEFF0000
