// The lowest address that an r15-based operand without index can form: 2 GiB below the window.
// expect: outcome=trapped status=4 signal=11
// unvalidated: same
#include "attack.h"

_start:
    movl -0x80000000(%r15), %ecx
    EXIT $1
