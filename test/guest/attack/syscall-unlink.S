// Removes a file of the host.
// expect: validator=failed status=8 rule=unrecognized
// unvalidated: killed=31
#include "attack.h"

_start:
    leaq path(%rip), %rdi
    SYSCALL 87

    .data
path:
    .asciz "/tmp/zvm-attack-canary"
