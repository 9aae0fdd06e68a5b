// An unmasked x87 exception is pending when the next waiting instruction comes.
// expect: outcome=trapped status=4 signal=8
// unvalidated: same
#include "attack.h"

_start:
    fldcw unmasked(%rip)
    fldz
    fld1
    fdivp
    fwait
    EXIT $1

    .data
    .p2align 2
unmasked:
    .word 0x0360
