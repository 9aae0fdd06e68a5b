// Writes rbp with 64 bits.
// expect: validator=failed status=8 rule=bp-modified
// unvalidated: outcome=trapped status=4 signal=11
#include "attack.h"

_start:
    movabsq $THUNK, %rbp
    movl %ecx, (%rbp)
