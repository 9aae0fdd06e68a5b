// Jumps to the last bundle of the window, the top of the stack: not executable.
// expect: outcome=trapped status=4 signal=11 address=0xffffffe0
// unvalidated: outcome=trapped status=4 signal=11 address=0xffffffe0
#include "attack.h"

_start:
    JUMP 0xFFFFFFE0
