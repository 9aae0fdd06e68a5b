// A number that no kernel has.
// expect: validator=failed status=8 rule=unrecognized
// unvalidated: killed=31
#include "attack.h"

_start:
    SYSCALL 0x7FFFFFFF
