// The privileged instruction that pads every text. It must fault, not stop the processor.
// expect: outcome=trapped status=4 signal=11
// unvalidated: same
#include "attack.h"

_start:
    hlt
