// Walks its user manifest: record, channel array, names; everything must be readable and consistent.
// expect: outcome=exited code=0
// unvalidated: same
#include "attack.h"

_start:
    LOAD32 USER_MANIFEST_POINTER, %ebx
    CHECK %ebx, 0xFEFFFF58, 1
    movl %ebx, %eax
    movl 12(%r15,%rax), %ecx
    CHECK %ecx, 3, 2
    movl %ebx, %eax
    movl 16(%r15,%rax), %r12d
    CHECK %r12d, 0xFEFFFF6C, 3
    movl %ebx, %eax
    movl 8(%r15,%rax), %ecx
    CHECK %ecx, 0x01000000, 4
    movl %ebx, %eax
    movl (%r15,%rax), %ecx
    movl %ebx, %eax
    addl 4(%r15,%rax), %ecx
    CHECK %ecx, 0x01000000, 5
    movl %r12d, %eax
    movl 44(%r15,%rax), %r13d
    movl %r13d, %eax
    movl (%r15,%rax), %ecx
    CHECK %ecx, 0x7665642F, 6
    EXIT $0
