// Maps new executable memory.
// expect: validator=failed status=8 rule=unrecognized
// unvalidated: killed=31
#include "attack.h"

_start:
    xorl %edi, %edi
    movl $4096, %esi
    movl $7, %edx
    movl $0x22, %r10d
    movl $-1, %r8d
    xorl %r9d, %r9d
    SYSCALL 9
