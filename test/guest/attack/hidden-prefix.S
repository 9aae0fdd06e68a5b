// A jump behind the 65 67 of a gs-relative access: what is left is a bare absolute access.
// expect: validator=failed status=8 rule=bad-jump-target
// unvalidated: outcome=trapped status=4 signal=11
#include "attack.h"

_start:
    xorl %eax, %eax
    jmp bare
    .byte 0x65, 0x67
bare:
    .byte 0x8B, 0x08            /* movl (%rax), %ecx */
    EXIT $77
