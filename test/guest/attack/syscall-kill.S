// Kills its process group.
// expect: validator=failed status=8 rule=unrecognized
// unvalidated: killed=31
#include "attack.h"

_start:
    xorl %edi, %edi
    movl $9, %esi
    SYSCALL 62
