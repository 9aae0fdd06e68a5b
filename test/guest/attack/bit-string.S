// A bit test with a register index reaches 2^60 bytes away from its operand.
// expect: validator=failed status=8 rule=unrecognized
// unvalidated: outcome=trapped status=4 signal=11|outcome=trapped status=4 signal=7
#include "attack.h"

_start:
    movabsq $0x7FFFFFFFFFFFFFFF, %rax
    btsq %rax, (%rsp)
    EXIT $77
