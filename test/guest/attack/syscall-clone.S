// Makes a thread.
// expect: validator=failed status=8 rule=unrecognized
// unvalidated: killed=31
#include "attack.h"

_start:
    movl $0x10F00, %edi
    movq %rsp, %rsi
    SYSCALL 56
