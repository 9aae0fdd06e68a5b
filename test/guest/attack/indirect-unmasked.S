// An indirect jump without a mask.
// expect: validator=failed status=8 rule=unrecognized
// unvalidated: outcome=trapped status=22
#include "attack.h"

_start:
    movabsq $THUNK, %rax
    jmp *%rax
