// 100000 traps, then gs must still be the window: compares a word read both ways after every
// trap.
// expect: outcome=exited code=0
// unvalidated: same
#include "attack.h"

_start:
    movl $0x13579BDF, %ecx
    STORE32 0x800000, %ecx
    movl $100000, %ebx
again:
    TRAP zero_write
    CHECK %eax, 0, 1
    movl $0x800000, %eax
    .byte 0x65, 0x67, 0x8B, 0x08
    CHECK %ecx, 0x13579BDF, 2
    decl %ebx
    jnz again
    EXIT $0

    .data
    BLOCK zero_write, TRAP_WRITE, STDOUT, zero_write, 0, 0
