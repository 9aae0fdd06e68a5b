// Reads the first byte behind the heap: the memory limit is kept by the page tables.
// expect: outcome=trapped status=4 signal=11
// unvalidated: same
#include "attack.h"

_start:
    LOAD32 0x01000000, %ecx
    EXIT $1
