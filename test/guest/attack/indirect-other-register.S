// The mask is on another register than the jump.
// expect: validator=failed status=8 rule=unrecognized
// unvalidated: outcome=failed status=4
#include "attack.h"

_start:
    movl $0x1234, %ecx
    .bundle_lock
    andl $-32, %eax
    addq %r15, %rax
    jmp *%rcx
    .bundle_unlock
