/* relay: copies stdin to stdout, 64 KiB at a time. Exits 1 when a read fails, 2 when a write does. */
#include "guest.h"

    .globl _start
_start:
    TRAP read_block
    testl %eax, %eax
    je done
    js failed
    movl %eax, %ebx
    movq %rbx, write_block + 32(%rip)
    TRAP write_block
    cmpl %ebx, %eax
    je _start
    EXIT $2
failed:
    EXIT $1
done:
    EXIT $0

    .data
    BLOCK read_block, TRAP_READ, STDIN, buffer, 65536, 0
    BLOCK write_block, TRAP_WRITE, STDOUT, buffer, 0, 0
    .bss
buffer:
    .space 65536
