// rsp in the text: the call of the trap pushes and faults in the guest.
// expect: outcome=trapped status=4 signal=11
// unvalidated: same
#include "attack.h"

_start:
    SET_RSP 0x20100
    TRAP gate_block
