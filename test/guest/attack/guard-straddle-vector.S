// A 16-byte store at the last 8 bytes of the window.
// expect: outcome=trapped status=4 signal=11
// unvalidated: same
#include "attack.h"

_start:
    .bundle_lock
    movl $0xFFFFFFF8, %eax
    movups %xmm0, (%r15,%rax)
    .bundle_unlock
    EXIT $1
