// Opens the password file of the host.
// expect: validator=failed status=8 rule=unrecognized
// unvalidated: killed=31
#include "attack.h"

_start:
    movl $-100, %edi
    leaq path(%rip), %rsi
    xorl %edx, %edx
    SYSCALL 257

    .data
path:
    .asciz "/etc/shadow"
