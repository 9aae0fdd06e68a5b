// r15 plus the largest index times 8 plus the largest displacement: upper guard.
// expect: outcome=trapped status=4 signal=11
// unvalidated: same
#include "attack.h"

_start:
    .bundle_lock
    movl $0xFFFFFFFF, %eax
    movl %ecx, 0x7FFFFFFF(%r15,%rax,8)
    .bundle_unlock
    EXIT $1
