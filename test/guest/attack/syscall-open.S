// Creates a file on the host.
// expect: validator=failed status=8 rule=unrecognized
// unvalidated: killed=31
#include "attack.h"

_start:
    leaq path(%rip), %rdi
    movl $0x41, %esi
    movl $0x1B6, %edx
    SYSCALL 2

    .data
path:
    .asciz "/tmp/zvm-attack-escaped"
