// Writes esp and does not re-base it.
// expect: validator=failed status=8 rule=rsp-unprocessed
// unvalidated: outcome=trapped status=4 signal=11
#include "attack.h"

_start:
    movl $0x800000, %esp
    nop
    pushq %rax
