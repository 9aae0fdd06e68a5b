// An unmasked vector floating-point exception in the guest is a fault of the guest.
// expect: outcome=trapped status=4 signal=8
// unvalidated: same
#include "attack.h"

_start:
    ldmxcsr unmasked(%rip)
    xorps %xmm0, %xmm0
    divss %xmm0, %xmm0
    EXIT $1

    .data
    .p2align 2
unmasked:
    .long 0
