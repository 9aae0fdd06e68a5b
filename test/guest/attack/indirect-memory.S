// A jump through memory: the word may change between check and use.
// expect: validator=failed status=8 rule=unrecognized
// unvalidated: outcome=failed status=4
#include "attack.h"

_start:
    jmp *target(%rip)

    .data
target:
    .quad 0x1234
