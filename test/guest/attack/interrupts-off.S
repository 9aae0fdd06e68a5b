// Turns interrupts off.
// expect: validator=failed status=8 rule=unrecognized
// unvalidated: outcome=trapped status=4 signal=11
#include "attack.h"

_start:
    cli
