// Replaces the fault handler of the host.
// expect: validator=failed status=8 rule=unrecognized
// unvalidated: killed=31
#include "attack.h"

_start:
    movl $11, %edi
    xorl %esi, %esi
    xorl %edx, %edx
    movl $8, %r10d
    SYSCALL 13
