// 10000 argument blocks of pseudo-random words, the function one of five in a third of the cases.
// Only the sum of text, rodata and user manifest, and the end itself, are checked.
// expect: outcome=exited code=0 status=0
// unvalidated: same
#include "trap_fuzz.h"

_start:
    SUM_ALL
    movl %r14d, sum_before(%rip)
    movabsq $0x9E3779B97F4A7C15, %rbx
    movl $10000, %r12d
again:
    RANDOM
    movq %rbx, scratch + 16(%rip)
    RANDOM
    movq %rbx, scratch + 24(%rip)
    RANDOM
    movq %rbx, scratch + 32(%rip)
    RANDOM
    movq %rbx, scratch + 40(%rip)
    PICK functions, 0
    TRAP scratch
    decl %r12d
    jnz again
    SUM_ALL
    movl sum_before(%rip), %ecx
    cmpl %ecx, %r14d
    jne wrong
    EXIT $0
    .p2align 5
wrong:
    EXIT $2

    .data
sum_before:
    .long 0

    .section .rodata
    .p2align 3
functions:
    .quad TRAP_READ, TRAP_WRITE, TRAP_JAIL, TRAP_UNJAIL, TRAP_FORK, TRAP_READ, TRAP_WRITE, TRAP_JAIL
    .quad 0, 1, 2, 3, 4, 5, 6, 7, -1, -2, 0x164616552, 0x174697257, 0x16C69614A, 0x8000000064616552
    .quad 0x100000000, 0x6461655200000000, 0x72, 0x7465, 0x10000, 0x20000, 0xFFFFFFFF, 0x7FFFFFFF
    .quad 8, 9
