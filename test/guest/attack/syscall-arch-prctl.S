// Moves the gs base.
// expect: validator=failed status=8 rule=unrecognized
// unvalidated: killed=31
#include "attack.h"

_start:
    movl $0x1001, %edi
    xorl %esi, %esi
    SYSCALL 158
