// Unmasks every floating-point exception in MXCSR and in the x87 control word, leaves some pending, then
// traps and exits: host code that computes with floats must not fault (the original runtime aborted).
// expect: outcome=exited code=0
// unvalidated: same
#include "attack.h"

_start:
    ldmxcsr unmasked(%rip)
    fldz
    fld1
    fdiv %st(1), %st
    fldcw unmasked_fcw(%rip)
    TRAP gate_block
    CHECK %eax, 1, 1
    ldmxcsr unmasked(%rip)
    EXIT $0

    .data
    .p2align 2
unmasked:
    .long 0x0000003F
unmasked_fcw:
    .word 0x0340
