// The other way into the kernel.
// expect: validator=failed status=8 rule=unrecognized
// unvalidated: killed=31|outcome=trapped|outcome=failed
#include "attack.h"

_start:
    movl $5, %eax
    sysenter
    EXIT $77
