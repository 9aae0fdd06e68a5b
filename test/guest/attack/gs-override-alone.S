// gs without the 32-bit address size: any host address relative to the window.
// expect: validator=failed status=8 rule=unrecognized
// unvalidated: outcome=trapped status=4 signal=11
#include "attack.h"

_start:
    movabsq $0x100000000000, %rax
    .byte 0x65, 0x8B, 0x08
    EXIT $77
