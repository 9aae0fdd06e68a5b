// rsp leaves the window upwards with pops: the first pop above the top faults.
// expect: outcome=trapped status=4 signal=11
// unvalidated: same
#include "attack.h"

_start:
    SET_RSP 0xFFFFFFF8
    popq %rax
    popq %rax
