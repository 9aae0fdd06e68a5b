// Looks for host data in the vector and mask registers that only AVX-512 can name, at entry and
// after a trap. The validator refuses such instructions; unvalidated, the registers must be zero.
// expect: validator=failed status=8 rule=unrecognized
// unvalidated: outcome=exited code=0 | outcome=trapped signal=4
#include "attack.h"

.macro CHECK_WIDE number
    .irp n, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    vporq %zmm\n, %zmm16, %zmm16
    .endr
    .irp n, 1, 2, 3, 4, 5, 6, 7
    korq %k\n, %k0, %k0
    .endr
    kmovq %k0, %rbx
    vptestmq %zmm16, %zmm16, %k1
    kmovq %k1, %rcx
    orq %rcx, %rbx
    testq %rbx, %rbx
    je 1f
    EXIT $\number
1:
.endm

_start:
    CHECK_WIDE 1
    TRAP gate_block
    CHECK_WIDE 2
    EXIT $0
