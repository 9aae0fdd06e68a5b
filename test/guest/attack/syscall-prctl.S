// Makes itself dumpable, so that others may trace it.
// expect: validator=failed status=8 rule=unrecognized
// unvalidated: killed=31
#include "attack.h"

_start:
    movl $4, %edi
    movl $1, %esi
    SYSCALL 157
