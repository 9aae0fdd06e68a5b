/* copy: stdin to stdout in blocks of 64 KiB until the end; exits with 0, or 1 after a short write. */
#include "guest.h"

#define BLOCK_SIZE 0x10000

    .globl _start
_start:
    .p2align 5
again:
    TRAP read_block
    testl %eax, %eax
    jle done
    movl %eax, %ebx
    movq %rbx, write_block + 32(%rip)
    TRAP write_block
    cmpl %ebx, %eax
    je again
    EXIT $1
done:
    EXIT $0

    .data
    BLOCK read_block, TRAP_READ, STDIN, buffer, BLOCK_SIZE, 0
    BLOCK write_block, TRAP_WRITE, STDOUT, buffer, 0, 0
    .bss
    .p2align 12
buffer:
    .skip BLOCK_SIZE
