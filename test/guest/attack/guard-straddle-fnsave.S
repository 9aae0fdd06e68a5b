// The widest store that gs can reach: 108 bytes at the last byte of the window.
// expect: outcome=trapped status=4 signal=11
// unvalidated: same
#include "attack.h"

_start:
    movl $0xFFFFFFFF, %eax
    .byte 0x65, 0x67, 0xDD, 0x30
    EXIT $1
