// A fault while rsp is in the hole: the signal frame must not go to the guest's stack.
// expect: outcome=trapped status=4 signal=11
// unvalidated: same
#include "attack.h"

_start:
    SET_RSP 0x80000000
    hlt
