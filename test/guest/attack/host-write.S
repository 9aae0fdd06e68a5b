// Writes host memory near the usual top of the stack.
// expect: validator=failed status=8 rule=bad-base
// unvalidated: outcome=trapped status=4 signal=11
#include "attack.h"

_start:
    movabsq $0x7FFFFFFFE000, %rax
    movq %rcx, (%rax)
    EXIT $77
