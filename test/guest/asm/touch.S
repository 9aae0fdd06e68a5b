/* touch: writes to every page of its 16 MiB of stack, then exits. */
#include "guest.h"

    .globl _start
_start:
    movl $0xFF000000, %ecx
1:
    .bundle_lock
    movl %ecx, %eax
    movl %ecx, (%r15,%rax)
    .bundle_unlock
    addl $4096, %ecx
    cmpl $0xFFFFF000, %ecx
    jne 1b
    EXIT $0
