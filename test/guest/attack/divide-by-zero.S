// Integer division by zero.
// expect: outcome=trapped status=4 signal=8
// unvalidated: same
#include "attack.h"

_start:
    xorl %edx, %edx
    xorl %ecx, %ecx
    movl $1, %eax
    divl %ecx
