// The word on the stack through which a trap returns is a host address with garbage in its low
// bits: only 32 bits count, rounded to a bundle, inside the window.
// expect: outcome=exited code=0
// unvalidated: same
#include "attack.h"

_start:
    movabsq $0x7FFF000000000000, %rax
    leal back(%rip), %ecx
    addq %rcx, %rax
    addq $13, %rax
    pushq %rax
    movl $gate_block, %edi
    JUMP TRAMPOLINE
    .p2align 5
back:
    CHECK %eax, 1, 1
    EXIT $0
