/* traps: 1 048 576 empty writes (no system call is made for them), then exit. */
#include "guest.h"

    .globl _start
_start:
    movl $0x100000, %ebx
    .p2align 5
again:
    TRAP empty_block
    subl $1, %ebx
    jnz again
    TRAP exit_block
    hlt

    .data
    BLOCK empty_block, TRAP_WRITE, STDOUT, empty_block, 0, 0
