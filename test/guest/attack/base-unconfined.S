// A store through a register that holds a host address.
// expect: validator=failed status=8 rule=bad-base
// unvalidated: outcome=trapped status=4 signal=11
#include "attack.h"

_start:
    movabsq $THUNK, %rax
    movl %ecx, (%rax)
