// Makes a page of its own writable and executable at once.
// expect: validator=failed status=8 rule=unrecognized
// unvalidated: killed=31
#include "attack.h"

_start:
    movl $0x800000, %eax
    leaq (%r15,%rax), %rdi
    movl $0x1000, %esi
    movl $7, %edx
    SYSCALL 10
