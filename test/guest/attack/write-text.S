// Writes to its own text: mapped from a sealed file, never writable.
// expect: outcome=trapped status=4 signal=11
// unvalidated: same
#include "attack.h"

_start:
    STORE32 0x20020, %ecx
    EXIT $1
