// A jump behind the zero-extension of an index: the index would have 64 bits.
// expect: validator=failed status=8 rule=bad-jump-target
// unvalidated: outcome=trapped status=4 signal=11
#include "attack.h"

_start:
    movabsq $0x7FFFFFFFFFFF0000, %rax
    jmp bare
    .bundle_lock
    movl %eax, %eax
bare:
    movl (%r15,%rax), %ecx
    .bundle_unlock
