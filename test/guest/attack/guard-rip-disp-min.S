// A rip-relative operand 2 GiB below the text: lower guard.
// expect: outcome=trapped status=4 signal=11
// unvalidated: same
#include "attack.h"

_start:
    .byte 0x8B, 0x0D, 0x00, 0x00, 0x00, 0x80
    EXIT $1
