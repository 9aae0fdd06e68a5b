// Unmaps the upper guard, so that the host might put something there.
// expect: validator=failed status=8 rule=unrecognized
// unvalidated: killed=31
#include "attack.h"

_start:
    leaq 0x38(%rsp), %rdi
    movl $0x10000, %esi
    SYSCALL 11
