// A hardware transaction would roll back to a handler behind the back of the masks.
// expect: validator=failed status=8 rule=unrecognized
// unvalidated: outcome=exited code=0|outcome=trapped status=4 signal=4
#include "attack.h"

_start:
    .byte 0xC7, 0xF8, 0x00, 0x00, 0x00, 0x00 /* xbegin */
    EXIT $0
