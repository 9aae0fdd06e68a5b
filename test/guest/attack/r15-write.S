// Moves the window base, on which everything else is built. The host takes its own copy: a trap
// restores it.
// expect: validator=failed status=8 rule=r15-modified
// unvalidated: outcome=exited code=0
#include "attack.h"

_start:
    xorl %r15d, %r15d
    TRAP gate_block
    movl $0x20000, %eax
    .byte 0x41, 0x8B, 0x0C, 0x07 /* movl (%r15,%rax), %ecx */
    EXIT $0
