// The argument block begins in the heap and ends in the hole.
// expect: outcome=trapped status=14
// unvalidated: same
#include "attack.h"

_start:
    movl $TRAP_READ, %ecx
    .bundle_lock
    movl $0xFFFFF8, %eax
    movq %rcx, (%r15,%rax)
    .bundle_unlock
    TRAP_AT 0xFFFFF8
