// The 32-bit address size without gs: the low 4 GiB of the host.
// expect: validator=failed status=8 rule=unrecognized
// unvalidated: outcome=trapped status=4 signal=11
#include "attack.h"

_start:
    xorl %eax, %eax
    .byte 0x67, 0x8B, 0x08
