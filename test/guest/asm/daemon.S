/* daemon: writes "before fork\n" (12 bytes) to stdout, forks, writes "after fork\n" and a byte of
 * stdin, and exits with what the trap returned + 7. */
#include "guest.h"

    .globl _start
_start:
    TRAP before_block
    TRAP fork_block
    movl %eax, result(%rip)
    TRAP after_block
    TRAP read_block
    TRAP echo_block
    movl result(%rip), %eax
    addl $7, %eax
    EXIT %eax

    .data
    BLOCK before_block, TRAP_WRITE, STDOUT, before, 12, 0
    BLOCK fork_block, TRAP_FORK
    BLOCK after_block, TRAP_WRITE, STDOUT, after, 11, 0
    BLOCK read_block, TRAP_READ, STDIN, byte, 1, 0
    BLOCK echo_block, TRAP_WRITE, STDOUT, byte, 1, 0
    .p2align 2
result:
    .long 0
before:
    .ascii "before fork\n"
after:
    .ascii "after fork\n"
byte:
    .ascii "?"
