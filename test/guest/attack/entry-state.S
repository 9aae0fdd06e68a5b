// What a guest finds in every register that it can name: nothing of the host. General registers,
// vectors, MMX data (which the x87 reset leaves in place), control words, tags, instruction and
// data pointers.
// expect: outcome=exited code=0 status=0
// unvalidated: same
#include "attack.h"

_start:
    movq %rax, save(%rip)
    CHECK %eax, 0, 1
    CHECK64 %rbx, 0, 2
    CHECK64 %rdx, 0, 3
    CHECK64 %rsi, 0, 4
    CHECK64 %r8, 0, 5
    CHECK64 %r9, 0, 6
    CHECK64 %r10, 0, 7
    CHECK64 %r12, 0, 9
    CHECK64 %r13, 0, 10
    CHECK64 %r14, 0, 11
    CHECK64 %rdi, 0xFFFFFFD0, 12
    CHECK64 %rcx, WINDOW + TEXT_START, 13
    CHECK64 %rsp, WINDOW + 0xFFFFFFC8, 14
    CHECK64 %rbp, WINDOW + 0xFFFFFFC8, 15
    CHECK64 %r15, WINDOW, 16
    fnstenv environment(%rip)
    movl environment(%rip), %ecx
    andl $0xFFFF, %ecx
    CHECK %ecx, 0x37F, 20
    movl environment + 4(%rip), %ecx
    andl $0xFFFF, %ecx
    CHECK %ecx, 0, 21
    movl environment + 8(%rip), %ecx
    andl $0xFFFF, %ecx
    CHECK %ecx, 0xFFFF, 22
    movl environment + 12(%rip), %ecx
    CHECK %ecx, 0, 23
    movl environment + 20(%rip), %ecx
    CHECK %ecx, 0, 24
    stmxcsr save(%rip)
    movl save(%rip), %ecx
    CHECK %ecx, 0x1F80, 25
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7
    movq %mm\n, %rcx
    CHECK64 %rcx, 0, 30 + \n
    .endr
    emms
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    vptest %ymm\n, %ymm\n
    jz 1f
    EXIT $(40 + \n)
1:
    .endr
    EXIT $0

    .data
    .p2align 3
save:
    .quad 0
environment:
    .skip 28
