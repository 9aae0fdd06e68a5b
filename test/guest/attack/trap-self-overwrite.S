// A read whose buffer is its own argument block and the return addresses on the stack: arguments
// are copied before they are used, the way back is known before the read.
// expect: outcome=exited code=0 status=0
// unvalidated: same
#include "attack.h"

_start:
    SET_RSP 0x800100
    movl $0x8000F0, %ecx
    SET scratch, 0, TRAP_READ
    SET scratch, 2, STDIN
    SET scratch, 4, 16
    movq %rcx, scratch + 24(%rip)
    EXPECT scratch, 16, 1
    movl $scratch, %ecx
    movq %rcx, scratch + 24(%rip)
    SET scratch, 4, 48
    EXPECT scratch, 48, 2
    EXIT $0
