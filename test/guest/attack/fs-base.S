// Writes the fs base, where the host keeps its thread data, then traps: the host faults on its
// first look at it and the kernel ends the process.
// expect: validator=failed status=8 rule=unrecognized
// unvalidated: killed=11|outcome=trapped status=4 signal=4|outcome=failed status=4
#include "attack.h"

_start:
    xorl %eax, %eax
    .byte 0xF3, 0x48, 0x0F, 0xAE, 0xD0 /* wrfsbase %rax */
    TRAP gate_block
    EXIT $77
