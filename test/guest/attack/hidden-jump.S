// A direct jump into the middle of an instruction whose immediate is a system call.
// expect: validator=failed status=8 rule=bad-jump-target
// unvalidated: killed=31
#include "attack.h"

_start:
    jmp hidden
    .byte 0x48, 0xB8            /* movabs: its 8 bytes are code */
hidden:
    movl $41, %eax              /* socket */
    syscall
    nop
    EXIT $77
