// fork without a job: answers 0 a thousand times and makes no process.
// expect: outcome=exited code=0 status=0
// unvalidated: same
#include "attack.h"

_start:
    movl $1000, %ebx
again:
    EXPECT fork_block, 0, 1
    decl %ebx
    jnz again
    EXIT $0

    .data
fork_block:
    .quad TRAP_FORK
