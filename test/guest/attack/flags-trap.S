// popf sets the trap flag: a single-step signal. It must arrive in the guest, not in the host.
// expect: validator=failed status=8 rule=unrecognized
// unvalidated: outcome=trapped status=4 signal=5
#include "attack.h"

_start:
    pushq $0x302
    popfq
    TRAP gate_block
    EXIT $77
