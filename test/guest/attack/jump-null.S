// Jumps to guest address 0. The first 64 KiB are never mapped, so that a null pointer faults.
// expect: outcome=trapped status=4 signal=11 address=0x00000000
// unvalidated: outcome=trapped status=4 signal=11 address=0x00000000
#include "attack.h"

_start:
    JUMP 0
