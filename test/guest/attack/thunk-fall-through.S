// Jumps into the middle of the thunk: halts.
// expect: validator=failed status=8 rule=unrecognized
// unvalidated: outcome=failed status=4
#include "attack.h"

_start:
    movabsq $THUNK + 0x800, %rax
    jmp *%rax
