/* hello: one line to stdout, exit 0. The smallest guest that does something. */
#include "guest.h"

    .globl _start
_start:
    TRAP write_block
    CHECK %eax, 12, 1
    EXIT $0

    .data
    BLOCK write_block, TRAP_WRITE, STDOUT, message, 12, 0
message:
    .ascii "hello world\n"
