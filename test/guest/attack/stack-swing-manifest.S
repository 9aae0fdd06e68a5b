// rsp in the user manifest: a push writes to read-only memory.
// expect: outcome=trapped status=4 signal=11
// unvalidated: same
#include "attack.h"

_start:
    SET_RSP 0xFEFFFFF0
    TRAP gate_block
