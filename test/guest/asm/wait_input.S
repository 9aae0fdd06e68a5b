/* wait_input: reads one byte from stdin, exits with it. */
#include "guest.h"

    .globl _start
_start:
    TRAP read_block
    CHECK %eax, 1, 1
    movzbl buffer(%rip), %eax
    EXIT %eax

    .data
    BLOCK read_block, TRAP_READ, STDIN, buffer, 1, 0
buffer:
    .byte 0
