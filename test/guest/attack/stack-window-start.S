// rsp so low that the second push of a trap would lie in the null page.
// expect: outcome=trapped status=4 signal=11
// unvalidated: same
#include "attack.h"

_start:
    SET_RSP 0x20008
    TRAP gate_block
