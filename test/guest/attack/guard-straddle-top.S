// Eight bytes at the last four of the window: they do not wrap to its start, they fault.
// expect: outcome=trapped status=4 signal=11
// unvalidated: same
#include "attack.h"

_start:
    .bundle_lock
    movl $0xFFFFFFFC, %eax
    movq (%r15,%rax), %rcx
    .bundle_unlock
    EXIT $1
