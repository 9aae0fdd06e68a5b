// An absolute address without base.
// expect: validator=failed status=8 rule=bad-base
// unvalidated: outcome=trapped status=4 signal=11
#include "attack.h"

_start:
    movl 0x20000, %ecx
