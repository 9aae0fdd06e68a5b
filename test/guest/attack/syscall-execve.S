// Starts a shell.
// expect: validator=failed status=8 rule=unrecognized
// unvalidated: killed=31
#include "attack.h"

_start:
    leaq path(%rip), %rdi
    xorl %esi, %esi
    xorl %edx, %edx
    SYSCALL 59

    .data
path:
    .asciz "/bin/sh"
