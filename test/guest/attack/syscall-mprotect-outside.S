// Makes the thunk, a page of the host, writable.
// expect: validator=failed status=8 rule=unrecognized
// unvalidated: killed=31
#include "attack.h"

_start:
    movabsq $THUNK, %rdi
    movl $4096, %esi
    movl $3, %edx
    SYSCALL 10
