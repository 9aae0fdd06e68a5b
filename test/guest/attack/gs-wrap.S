// gs-relative operands wrap at 32 bits: garbage in upper halves, negative displacements and large
// indices must all come back into the window. Checks itself with words that it has placed.
// expect: outcome=exited code=0
// unvalidated: same
#include "attack.h"

_start:
    movl $0x5A5A1234, %ecx
    STORE32 0x800000, %ecx
    movabsq $0xFFFFFFFF00800000, %rbx
    .byte 0x65, 0x67, 0x8B, 0x0B
    CHECK %ecx, 0x5A5A1234, 1
    movabsq $0x1122334400800010, %rbx
    .byte 0x65, 0x67, 0x8B, 0x4B, 0xF0
    CHECK %ecx, 0x5A5A1234, 2
    movl $0xF0800000, %ebx
    movl $0x02000000, %edx
    .byte 0x65, 0x67, 0x8B, 0x0C, 0xD3
    CHECK %ecx, 0x5A5A1234, 3
    movabsq $0xFFFFFFFFFFFFFFFF, %rbx
    .byte 0x65, 0x67, 0x8B, 0x8B, 0x01, 0x00, 0x80, 0x00
    CHECK %ecx, 0x5A5A1234, 4
    EXIT $0
