// The last word of the window names exit, its arguments would lie outside.
// expect: outcome=trapped status=14
// unvalidated: same
#include "attack.h"

_start:
    movl $TRAP_EXIT, %ecx
    .bundle_lock
    movl $0xFFFFFFF8, %eax
    movq %rcx, (%r15,%rax)
    .bundle_unlock
    TRAP_AT 0xFFFFFFF8
