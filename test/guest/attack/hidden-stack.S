// A jump to the re-base of rsp without the 32-bit write before it: rsp would be the window base
// plus an old rsp.
// expect: validator=failed status=8 rule=bad-jump-target
// unvalidated: outcome=trapped status=4
#include "attack.h"

_start:
    jmp bare
    .bundle_lock
    movl $0x800000, %esp
bare:
    addq %r15, %rsp
    .bundle_unlock
    pushq %rax
