// Jumps to a return instruction in the data segment. Data is never executable.
// expect: outcome=trapped status=4 signal=11
// unvalidated: same
#include "attack.h"

_start:
    movl $code, %eax
    JMP_REG %eax, %rax

    .data
    .p2align 5
code:
    .byte 0xC3
