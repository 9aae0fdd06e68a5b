// Looks for what the host or an earlier session left in registers at entry: general registers, vector
// registers, MXCSR, x87 control word, tags and MMX data. Everything must be in its reset state.
// expect: outcome=exited code=0
// unvalidated: same
#include "attack.h"

_start:
    orl %eax, %ebx
    orl %edx, %ebx
    orl %esi, %ebx
    orq %r8, %rbx
    orq %r9, %rbx
    orq %r10, %rbx
    orq %r11, %rbx
    orq %r12, %rbx
    orq %r13, %rbx
    orq %r14, %rbx
    orq %rax, %rbx
    orq %rdx, %rbx
    orq %rsi, %rbx
    testq %rbx, %rbx
    je 1f
    EXIT $1
1:
    CHECK %edi, 0xFFFFFFD0, 2
    stmxcsr mxcsr(%rip)
    movl mxcsr(%rip), %eax
    CHECK %eax, 0x1F80, 3
    fnstenv environment(%rip)
    movzwl environment(%rip), %eax
    CHECK %eax, 0x37F, 4
    movzwl environment + 8(%rip), %eax
    CHECK %eax, 0xFFFF, 5
    .irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    vorps %ymm\n, %ymm0, %ymm0
    .endr
    vptest %ymm0, %ymm0
    je 2f
    EXIT $6
2:
    .irp n, 1, 2, 3, 4, 5, 6, 7
    por %mm\n, %mm0
    .endr
    movq %mm0, %rax
    emms
    testq %rax, %rax
    je 3f
    EXIT $7
3:
    EXIT $0

    .data
    .p2align 3
mxcsr:
    .quad 0
environment:
    .skip 32
