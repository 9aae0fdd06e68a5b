// A jump behind the mask of a masked jump: the target would be any host address.
// expect: validator=failed status=8 rule=bad-jump-target
// unvalidated: outcome=trapped status=22
#include "attack.h"

_start:
    movabsq $THUNK, %rax
    jmp unmasked
    .bundle_lock
    andl $-32, %eax
    addq %r15, %rax
unmasked:
    jmp *%rax
    .bundle_unlock
