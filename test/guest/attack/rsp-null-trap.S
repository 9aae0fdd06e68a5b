// rsp is 0 when the host is entered through its thunk.
// expect: validator=failed status=8 rule=sp-modified
// unvalidated: outcome=trapped status=14
#include "attack.h"

_start:
    xorq %rsp, %rsp
    movabsq $THUNK, %rax
    jmp *%rax
