// xrstor would load any vector state, and the protection keys.
// expect: validator=failed status=8 rule=unrecognized
// unvalidated: outcome=trapped status=4 signal=11
#include "attack.h"

_start:
    movl $-1, %eax
    movl $-1, %edx
    xrstor (%rsp)
    EXIT $77
