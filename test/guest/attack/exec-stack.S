// Writes code to the stack and jumps there. The stack is never executable.
// expect: outcome=trapped status=4 signal=11 address=0xff800000
// unvalidated: same
#include "attack.h"

_start:
    movl $0x90909090, %ecx
    STORE32 0xFF800000, %ecx
    JUMP 0xFF800000
