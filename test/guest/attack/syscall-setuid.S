// Becomes root again.
// expect: validator=failed status=8 rule=unrecognized
// unvalidated: killed=31
#include "attack.h"

_start:
    xorl %edi, %edi
    SYSCALL 105
