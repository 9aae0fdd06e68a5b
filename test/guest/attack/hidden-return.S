// A jump to the last instruction of a predicted return: it would return to any host address.
// expect: validator=failed status=8 rule=bad-jump-target
// unvalidated: outcome=failed status=4
#include "attack.h"

_start:
    pushq $0x1234
    jmp bare
    .p2align 5
    .byte 0x41, 0x83, 0xE3, 0xE0, 0x4D, 0x01, 0xFB, 0x41, 0x53
bare:
    .byte 0xC3
