// Unknown traps for ever: the wall-clock limit must end it.
// options: --wall-ms 150
// expect: outcome=limited status=4 reason=limit-wall-time
// unvalidated: same
#include "attack.h"

_start:
    TRAP unknown
    CHECK %eax, PERM, 1
    jmp _start

    .data
    BLOCK unknown, 0x1234
