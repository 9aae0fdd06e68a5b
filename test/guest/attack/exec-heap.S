// Writes code to the heap and jumps there without jail. The heap is never executable.
// expect: outcome=trapped status=4 signal=11 address=0x00800000
// unvalidated: same
#include "attack.h"

_start:
    movl $0x90909090, %ecx
    STORE32 0x800000, %ecx
    JUMP 0x800000
