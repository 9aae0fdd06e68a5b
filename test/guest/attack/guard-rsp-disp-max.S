// rsp at the top, the largest displacement: 2 GiB above the window.
// expect: outcome=trapped status=4 signal=11
// unvalidated: same
#include "attack.h"

_start:
    movl 0x7FFFFFFF(%rsp), %ecx
    EXIT $1
