// rsp at guest address 0: a push writes below the window.
// expect: outcome=trapped status=4 signal=11
// unvalidated: same
#include "attack.h"

_start:
    SET_RSP 0
    TRAP gate_block
