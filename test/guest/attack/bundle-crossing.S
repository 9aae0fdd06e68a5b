// An instruction that crosses the end of its bundle: its second half is a legal target.
// expect: validator=failed status=8 rule=unrecognized
// unvalidated: outcome=exited code=0
#include "attack.h"

_start:
    .skip 30, 0x90
    .byte 0xB8, 0x01, 0x02, 0x03, 0x04
    EXIT $0
