// A channel is a FIFO that nobody writes to: opening it must not outlast the wall clock.
// expect: outcome=limited status=4 reason=limit-wall-time
// unvalidated: same
// stdin: fifo
// options: --wall-ms 100
#include "attack.h"

_start:
    EXIT $1
