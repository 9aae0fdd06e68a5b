// Traps for ever: the CPU limit must end it although most of the time passes in host code.
// options: --cpu-ms 200
// expect: outcome=limited status=4 reason=limit-cpu-time
// unvalidated: same
#include "attack.h"

_start:
    TRAP empty_write
    jmp _start

    .data
    BLOCK empty_write, TRAP_WRITE, STDOUT, empty_write, 0, 0
