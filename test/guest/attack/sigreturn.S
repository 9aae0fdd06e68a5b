// Loads every register from a forged signal frame of zeros: execution goes on at address 0 of the
// host, which is unmapped.
// expect: validator=failed status=8 rule=unrecognized
// unvalidated: killed=11|outcome=failed status=4
#include "attack.h"

_start:
    xorl %eax, %eax
    movl $128, %ecx
zeros:
    pushq %rax
    decl %ecx
    jnz zeros
    SYSCALL 15
