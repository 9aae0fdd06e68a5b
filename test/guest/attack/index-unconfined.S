// An index that was not zero-extended right before.
// expect: validator=failed status=8 rule=bad-index
// unvalidated: outcome=trapped status=4 signal=11
#include "attack.h"

_start:
    movabsq $0x7FFF00000000, %rax
    nop
    movl (%r15,%rax), %ecx
