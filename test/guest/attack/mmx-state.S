// Traps with the x87 unit in MMX mode and all registers in use: host code must not stumble over it.
// expect: outcome=exited code=0
// unvalidated: same
#include "attack.h"

_start:
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7
    pcmpeqd %mm\n, %mm\n
    .endr
    TRAP gate_block
    CHECK %eax, 1, 1
    fld1
    fnstsw %ax
    andl $0x40, %eax
    CHECK %eax, 0, 2
    EXIT $0
