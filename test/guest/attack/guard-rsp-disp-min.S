// rsp at the bottom of its region, the smallest displacement: below the window.
// expect: outcome=trapped status=4 signal=11
// unvalidated: same
#include "attack.h"

_start:
    SET_RSP 0x10000
    movl -0x80000000(%rsp), %ecx
    EXIT $1
