// Makes a memory file.
// expect: validator=failed status=8 rule=unrecognized
// unvalidated: killed=31
#include "attack.h"

_start:
    leaq name(%rip), %rdi
    xorl %esi, %esi
    SYSCALL 319

    .data
name:
    .asciz "x"
