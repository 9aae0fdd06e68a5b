// Reads host memory at addresses where programs usually lie. The process is position-independent:
// the first wrong guess ends the session.
// expect: validator=failed status=8 rule=bad-base
// unvalidated: outcome=trapped status=4 signal=11
#include "attack.h"

_start:
    movl $0x400000, %eax
    movl (%rax), %ecx
    EXIT $77
