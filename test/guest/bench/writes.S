/* writes: 262 144 writes of one byte, each one system call, then exit. */
#include "guest.h"

    .globl _start
_start:
    movl $0x40000, %ebx
    .p2align 5
again:
    TRAP byte_block
    subl $1, %ebx
    jnz again
    TRAP exit_block
    hlt

    .data
    BLOCK byte_block, TRAP_WRITE, STDOUT, byte_block, 1, 0
