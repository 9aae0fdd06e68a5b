// A system call of the 32-bit interface, whose numbers mean other calls.
// expect: validator=failed status=8 rule=unrecognized
// unvalidated: killed=31
#include "attack.h"

_start:
    movl $5, %eax
    int $0x80
    EXIT $77
