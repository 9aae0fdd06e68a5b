/* exit_code: exits with 1234, a code that does not fit a process status. */
#include "guest.h"

    .globl _start
_start:
    EXIT $1234
