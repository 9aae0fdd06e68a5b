// 5000 writes with pseudo-random arguments, to a random, a sequential and a read-only channel.
// expect: outcome=exited code=0 status=0
// unvalidated: same
// channel: @/stdout, /dev/stdout, 3, 0, 10000, 100000, 10000, 100000
// channel: /dev/null, /dev/stderr, 0, 0, 0, 0, 100000, 1000000000
#include "trap_fuzz.h"

_start:
    SUM_ALL
    movl %r14d, sum_before(%rip)
    movabsq $0x9E3779B97F4A7C15, %rbx
    movl $5000, %r12d
    SET scratch, 0, TRAP_WRITE
again:
    PICK channels, 2
    PICK buffers, 3
    PICK sizes, 4
    PICK offsets, 5
    TRAP scratch
    testl %eax, %eax
    jns moved
    cmpl $INVAL, %eax
    je next
    cmpl $FAULT, %eax
    je next
    CHECK %eax, DQUOT, 1
    jmp next
moved:
    /* Bytes were moved, so channel and size must have been possible. */
    movl scratch + 16(%rip), %ecx
    cmpl $2, %ecx
    ja wrong
    movl scratch + 32(%rip), %ecx
    cmpl %ecx, %eax
    jg wrong
    cmpq $0, scratch + 24(%rip)
    je wrong
    movl scratch + 28(%rip), %ecx
    testl %ecx, %ecx
    jnz wrong
next:
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
