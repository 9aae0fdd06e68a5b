// Touches the whole stack downwards: 16 MiB, then the user manifest, which is read-only.
// expect: outcome=trapped status=4 signal=11
// unvalidated: same
#include "attack.h"

_start:
    movl $0xFFFFF000, %edx
    movl $0x1000, %r12d
1:
    .bundle_lock
    movl %edx, %edx
    movl %edx, (%r15,%rdx)
    .bundle_unlock
    subl $0x1000, %edx
    decl %r12d
    jnz 1b
    GATE
    .bundle_lock
    movl %edx, %edx
    movl %edx, (%r15,%rdx)
    .bundle_unlock
    EXIT $1
