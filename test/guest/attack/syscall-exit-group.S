// Ends the process of the host without a report. Allowed: whoever waits for the report sees that
// there is none.
// expect: validator=failed status=8 rule=unrecognized
// unvalidated: status=7 report=none
#include "attack.h"

_start:
    movl $7, %edi
    SYSCALL 231
