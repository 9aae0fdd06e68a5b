// Touches every page from the heap's start on: the first page behind the memory limit faults.
// expect: outcome=trapped status=4 signal=11
// unvalidated: same
#include "attack.h"

_start:
    movl $0x400000, %edx
    movl $0xC00, %r12d
1:
    .bundle_lock
    movl %edx, %edx
    movl %edx, (%r15,%rdx)
    .bundle_unlock
    addl $0x1000, %edx
    decl %r12d
    jnz 1b
    GATE
    STORE32 0x1000000, %edx
    EXIT $1
