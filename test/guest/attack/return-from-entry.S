// Returns from the entry function: the word on the stack is 0, address 0 is unmapped.
// expect: outcome=trapped status=4 signal=11 address=0x00000000
// unvalidated: same
#include "attack.h"

_start:
    popq %rax
    JMP_REG %eax, %rax
