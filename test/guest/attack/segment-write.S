// Loads gs with a null selector: gs-relative accesses would reach the low 4 GiB of the host.
// expect: validator=failed status=8 rule=unrecognized
// unvalidated: outcome=trapped status=4 signal=11
#include "attack.h"

_start:
    xorl %eax, %eax
    movl %eax, %gs
    movl $0x20000, %eax
    .byte 0x65, 0x67, 0x8B, 0x08
    EXIT $77
