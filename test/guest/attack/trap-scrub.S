// Looks for host data in registers after a trap, and for lost state of its own: caller-saved and vector
// registers must be zero, callee-saved ones, MXCSR and the x87 control word as before.
// expect: outcome=exited code=0
// unvalidated: same
#include "attack.h"

_start:
    movl $0x11111111, %ebx
    movl $0x12121212, %r12d
    movl $0x13131313, %r13d
    movl $0x14141414, %r14d
    ldmxcsr user_mxcsr(%rip)
    fldcw user_fcw(%rip)
    vpcmpeqd %ymm5, %ymm5, %ymm5
    vmovdqa %ymm5, %ymm15
    TRAP gate_block
    CHECK %eax, 1, 1
    CHECK %ebx, 0x11111111, 2
    CHECK %r12d, 0x12121212, 3
    CHECK %r13d, 0x13131313, 4
    CHECK %r14d, 0x14141414, 5
    TRAP gate_block
    orq %rsi, %rdx
    orq %r8, %rdx
    orq %r9, %rdx
    orq %r10, %rdx
    orq %r11, %rdx
    testq %rdx, %rdx
    je 1f
    EXIT $6
1:
    .irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    vorps %ymm\n, %ymm0, %ymm0
    .endr
    vptest %ymm0, %ymm0
    je 2f
    EXIT $7
2:
    stmxcsr seen(%rip)
    movl seen(%rip), %eax
    CHECK %eax, 0x9FC0, 8
    fnstcw seen(%rip)
    movzwl seen(%rip), %eax
    CHECK %eax, 0x27F, 9
    EXIT $0

    .data
    .p2align 3
user_mxcsr:
    .long 0x9FC0
user_fcw:
    .word 0x27F
    .p2align 3
seen:
    .quad 0
