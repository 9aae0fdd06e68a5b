// The other way to a divide fault: the smallest number by -1.
// expect: outcome=trapped status=4 signal=8
// unvalidated: same
#include "attack.h"

_start:
    movl $0x80000000, %eax
    cltd
    movl $-1, %ecx
    idivl %ecx
