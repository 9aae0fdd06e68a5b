// Reads a file at random that is cut to nothing meanwhile: a read of what is gone must return and
// must not loop for ever.
// channel: @/stdin, /dev/stdin, 1, 0, 999999, 999999, 0, 0
// on-gate: shrink-stdin
// options: --wall-ms 3000
// expect: outcome=exited code=0
// unvalidated: same
#include "attack.h"

_start:
    GATE
    movl $50000, %ebx
again:
    TRAP read_block
    cmpl $0, %eax
    je gone
    decl %ebx
    jnz again
    EXIT $0
gone:
    EXIT $0

    .data
    BLOCK read_block, TRAP_READ, STDIN, buffer, 16, 0
    .bss
buffer:
    .skip 64
