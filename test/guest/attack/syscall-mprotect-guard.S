// Opens the guard behind the window.
// expect: validator=failed status=8 rule=unrecognized
// unvalidated: killed=31
#include "attack.h"

_start:
    leaq 0x38(%rsp), %rdi
    movl $0x1000, %esi
    movl $3, %edx
    SYSCALL 10
