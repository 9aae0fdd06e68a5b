// Writes the last byte of the null page.
// expect: outcome=trapped status=4 signal=11
// unvalidated: same
#include "attack.h"

_start:
    movl $0xFFFF, %eax
    .bundle_lock
    movl %eax, %eax
    movb %cl, (%r15,%rax)
    .bundle_unlock
    EXIT $1
