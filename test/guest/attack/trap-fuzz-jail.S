// 3000 jails and unjails with pseudo-random ranges over eight pages, half of them full of valid
// code. Every answer must be one of the four, text keeps its sum, and in the end all pages are
// ordinary memory.
// expect: outcome=exited code=0 status=0
// unvalidated: same
#include "trap_fuzz.h"

_start:
    FILL_HALTS 0x800000, 0x40000
    SUM_ALL
    movl %r14d, sum_before(%rip)
    movabsq $0x9E3779B97F4A7C15, %rbx
    movl $3000, %r12d
again:
    SET scratch, 0, TRAP_JAIL
    testl $0x4000, %ebx
    jz jail
    SET scratch, 0, TRAP_UNJAIL
jail:
    PICK pages, 2
    PICK ranges, 3
    TRAP scratch
    testl %eax, %eax
    jz next
    cmpl $INVAL, %eax
    je next
    CHECK %eax, PERM, 1
next:
    decl %r12d
    jnz again
    EXPECT_ARGS TRAP_UNJAIL, 0x800000, 0x80000, 0, 0, 0, 3
    FILL_HALTS 0x800000, 0x80000
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
