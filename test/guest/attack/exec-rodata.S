// Jumps to code in the read-only data segment. It is readable, never executable.
// expect: outcome=trapped status=4 signal=11
// unvalidated: same
#include "attack.h"

_start:
    movl $code, %eax
    JMP_REG %eax, %rax

    .section .rodata
    .p2align 5
code:
    .byte 0xC3
