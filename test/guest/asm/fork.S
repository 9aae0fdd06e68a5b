/* fork: exits with what the fork trap returned (0: nothing has happened). */
#include "guest.h"

    .globl _start
_start:
    TRAP fork_block
    negl %eax
    EXIT %eax

    .data
    BLOCK fork_block, TRAP_FORK
