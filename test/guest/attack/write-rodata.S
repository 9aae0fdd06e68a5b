// Writes to its read-only data.
// expect: outcome=trapped status=4 signal=11
// unvalidated: same
#include "attack.h"

_start:
    movl $1, constant(%rip)
    EXIT $1

    .section .rodata
constant:
    .long 0
