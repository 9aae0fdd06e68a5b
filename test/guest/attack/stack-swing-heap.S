// rsp in the heap: allowed, and traps work there. The host never uses this stack.
// expect: outcome=exited code=0
// unvalidated: same
#include "attack.h"

_start:
    SET_RSP 0x800000
    EXIT $0
