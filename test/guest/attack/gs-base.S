// Writes the gs base with the instruction for it. Unvalidated: accesses through it fault, or the
// processor does not know it.
// expect: validator=failed status=8 rule=unrecognized
// unvalidated: outcome=trapped status=4
#include "attack.h"

_start:
    xorl %eax, %eax
    .byte 0xF3, 0x48, 0x0F, 0xAE, 0xD8 /* wrgsbase %rax */
    movl $0x20000, %eax
    .byte 0x65, 0x67, 0x8B, 0x08
    EXIT $77
