// Opens a connection to the network.
// expect: validator=failed status=8 rule=unrecognized
// unvalidated: killed=31
#include "attack.h"

_start:
    movl $2, %edi
    movl $1, %esi
    xorl %edx, %edx
    SYSCALL 41
