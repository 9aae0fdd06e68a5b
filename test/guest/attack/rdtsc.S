// Reads the clock of the processor. Only the inner wall forbids this: the outer wall stops no
// timing.
// expect: validator=failed status=8 rule=rdtsc-refused
// unvalidated: outcome=exited code=0
#include "attack.h"

_start:
    rdtsc
    EXIT $0
