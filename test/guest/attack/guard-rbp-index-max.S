// The highest address of all: rbp at the top, the largest index times 8, the largest
// displacement: window + 4 + 32 + 2 GiB, still inside the upper guard of 40 GiB.
// expect: outcome=trapped status=4 signal=11
// unvalidated: same
#include "attack.h"

_start:
    .bundle_lock
    movl $0xFFFFFFFF, %eax
    movl 0x7FFFFFFF(%rbp,%rax,8), %ecx
    .bundle_unlock
    EXIT $1
