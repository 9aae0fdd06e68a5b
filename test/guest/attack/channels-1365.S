// As many channels as crashed the original runtime: the records must all be there, the last one too.
// channels: 1365
// expect: outcome=exited code=0
// unvalidated: same
#include "attack.h"

_start:
    LOAD32 USER_MANIFEST_POINTER, %ebx
    movl %ebx, %eax
    movl 12(%r15,%rax), %ecx
    CHECK %ecx, 1365, 1
    movl %ebx, %eax
    movl 16(%r15,%rax), %r12d
    leal 1364*48+44(%r12), %eax
    movl (%r15,%rax), %r13d
    movl %r13d, %eax
    movl (%r15,%rax), %ecx
    CHECK %ecx, 0x39393963, 2
    EXIT $0
