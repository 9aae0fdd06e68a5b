// Burns processor time for ever: the CPU limit must end it.
// options: --cpu-ms 100
// expect: outcome=limited status=4 reason=limit-cpu-time
// unvalidated: same
#include "attack.h"

_start:
    jmp _start
