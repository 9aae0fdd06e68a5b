// popf sets AC and NT: host code with misaligned accesses or an interrupt return would fault.
// expect: validator=failed status=8 rule=unrecognized
// unvalidated: outcome=exited code=0|outcome=trapped status=4 signal=7
#include "attack.h"

_start:
    pushq $0x44202
    popfq
    TRAP gate_block
    CHECK %eax, 1, 1
    EXIT $0
