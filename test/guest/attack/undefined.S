// The defined undefined instruction.
// expect: outcome=trapped status=4 signal=4 address=0x00020000
// unvalidated: same
#include "attack.h"

_start:
    ud2
