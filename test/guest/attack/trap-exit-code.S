// The exit code is the low half of its word, signed; the high half is ignored.
// expect: outcome=exited code=-2147483648 status=0
// unvalidated: same
#include "attack.h"

_start:
    SET exit_block, 2, 0x7FFFFFFF80000000
    TRAP exit_block
