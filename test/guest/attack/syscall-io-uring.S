// Sets up a ring through which the kernel does work without system calls.
// expect: validator=failed status=8 rule=unrecognized
// unvalidated: killed=31
#include "attack.h"

_start:
    movl $1, %edi
    movq %rsp, %rsi
    SYSCALL 425
