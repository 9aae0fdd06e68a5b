// Writes rsp with 64 bits, then traps: the host must not read or write through it.
// expect: validator=failed status=8 rule=sp-modified
// unvalidated: outcome=trapped status=14
#include "attack.h"

_start:
    movabsq $THUNK + 0x800, %rsp
    movabsq $THUNK, %rax
    jmp *%rax
