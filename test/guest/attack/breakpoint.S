// int3 is refused; unvalidated it is a fault of the guest.
// expect: validator=failed status=8 rule=unrecognized
// unvalidated: outcome=trapped status=4 signal=5
#include "attack.h"

_start:
    int3
