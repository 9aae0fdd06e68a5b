// Disarms the limit on processor time.
// expect: validator=failed status=8 rule=unrecognized
// unvalidated: killed=31
#include "attack.h"

_start:
    movl $2, %edi
    leaq zeros(%rip), %rsi
    xorl %edx, %edx
    SYSCALL 38

    .data
    .p2align 3
zeros:
    .quad 0, 0, 0, 0
