/* fork: exits with what the fork trap returned (0 without a Job, 38 = ENOSYS with one). */
#include "guest.h"

    .globl _start
_start:
    TRAP fork_block
    negl %eax
    EXIT %eax

    .data
    BLOCK fork_block, TRAP_FORK
