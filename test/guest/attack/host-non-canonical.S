// Jumps to an address that no page can have.
// expect: validator=failed status=8 rule=unrecognized
// unvalidated: outcome=trapped status=4 signal=11|outcome=failed status=4
#include "attack.h"

_start:
    movabsq $0x8000000000000000, %rax
    jmp *%rax
