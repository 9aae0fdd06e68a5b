// Writes into another process.
// expect: validator=failed status=8 rule=unrecognized
// unvalidated: killed=31
#include "attack.h"

_start:
    movl $1, %edi
    SYSCALL 311
