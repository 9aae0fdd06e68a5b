// The thread data of the host through fs.
// expect: validator=failed status=8 rule=unrecognized
// unvalidated: outcome=exited code=0
#include "attack.h"

_start:
    .byte 0x64, 0x8B, 0x0C, 0x25, 0x28, 0x00, 0x00, 0x00
    EXIT $0
