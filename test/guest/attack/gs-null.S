// A gs-relative access to guest address 0 meets the null page, not address 0 of the host.
// expect: outcome=trapped status=4 signal=11
// unvalidated: same
#include "attack.h"

_start:
    xorl %eax, %eax
    .byte 0x65, 0x67, 0x8B, 0x08
    EXIT $1
