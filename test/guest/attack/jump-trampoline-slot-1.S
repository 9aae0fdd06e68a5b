// Enters trampoline slot 1. Only slot 0 is a service; every other ends the session.
// expect: outcome=trapped status=22 signal=0
// unvalidated: outcome=trapped status=22 signal=0
#include "attack.h"

_start:
    JUMP 0x10020
