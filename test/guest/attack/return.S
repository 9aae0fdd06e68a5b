// A plain return: its target is whatever lies on the stack.
// expect: validator=failed status=8 rule=unrecognized
// unvalidated: outcome=failed status=4
#include "attack.h"

_start:
    pushq $0x1234
    ret
