// Writes to the pointer at the top of the user manifest.
// expect: outcome=trapped status=4 signal=11
// unvalidated: same
#include "attack.h"

_start:
    STORE32 USER_MANIFEST_POINTER, %ecx
    EXIT $1
