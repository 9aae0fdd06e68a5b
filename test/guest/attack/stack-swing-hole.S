// rsp in the hole: a push faults.
// expect: outcome=trapped status=4 signal=11
// unvalidated: same
#include "attack.h"

_start:
    SET_RSP 0x80000000
    TRAP gate_block
