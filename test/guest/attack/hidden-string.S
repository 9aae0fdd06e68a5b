// A jump behind the confinement of a string operation: it would store to any address.
// expect: validator=failed status=8 rule=bad-jump-target
// unvalidated: outcome=trapped status=4 signal=11
#include "attack.h"

_start:
    xorl %edi, %edi
    jmp bare
    .bundle_lock
    movl %edi, %edi
    leaq (%r15,%rdi,1), %rdi
bare:
    stosb
    .bundle_unlock
