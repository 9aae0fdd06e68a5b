// Traces another process.
// expect: validator=failed status=8 rule=unrecognized
// unvalidated: killed=31
#include "attack.h"

_start:
    movl $16, %edi
    movl $1, %esi
    SYSCALL 101
