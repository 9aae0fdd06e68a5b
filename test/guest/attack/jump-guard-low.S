// A direct jump 1 GiB below the window: the validator allows any target that is a multiple of 32,
// because 40 GiB below the window are inaccessible.
// expect: outcome=trapped status=4 signal=11 address=0xc0000000
// unvalidated: same
#include "attack.h"

_start:
    .byte 0xE9
    .long -0x40020005
