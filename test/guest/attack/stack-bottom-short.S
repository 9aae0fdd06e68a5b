// One word of room: the call inside the trampoline faults, in guest code.
// expect: outcome=trapped status=4 signal=11 address=0x0001000a
// unvalidated: same
#include "attack.h"

_start:
    SET_RSP 0xFF000008
    TRAP gate_block
