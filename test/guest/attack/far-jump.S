// A far jump through memory would load a code segment: 32-bit code is another instruction set.
// expect: validator=failed status=8 rule=unrecognized
// unvalidated: outcome=trapped|outcome=failed
#include "attack.h"

_start:
    ljmp *target(%rip)

    .data
target:
    .long 0x20000
    .word 0x23
