// Never ends: the wall-clock limit must end it.
// options: --wall-ms 100
// expect: outcome=limited status=4 reason=limit-wall-time
// unvalidated: same
#include "attack.h"

_start:
    jmp _start
