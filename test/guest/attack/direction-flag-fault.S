// A fault with the direction flag set, vectors full and floating-point exceptions unmasked: the
// handler of the host has its own state.
// expect: outcome=trapped status=4 signal=4
// unvalidated: same
// channel: @/stdin, /dev/stdin, 0, 1, 100, 1000000, 0, 0
#include "attack.h"

_start:
    std
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    vpcmpeqd %ymm\n, %ymm\n, %ymm\n
    .endr
    ldmxcsr unmasked(%rip)
    fldcw unmasked_x87(%rip)
    fldz
    fld1
    fdivp
    ud2

    .data
unmasked:
    .long 0
unmasked_x87:
    .word 0x360
