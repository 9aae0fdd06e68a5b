// A program without data segment: heap buffers work, text stays text. In the original jail and
// unjail took any address then, and text could be made writable.
// expect: outcome=exited code=0 status=0
// unvalidated: same
#define NO_DATA
#include "attack.h"

#define BLOCK_AT 0xFFFF0000
.macro PUT word, value
    movabsq $\value, %rcx
    .bundle_lock
    movl $(BLOCK_AT + 8 * \word), %eax
    movq %rcx, (%r15,%rax)
    .bundle_unlock
.endm
.macro CALL function, a, b, c, result, number
    PUT 0, \function
    PUT 2, \a
    PUT 3, \b
    PUT 4, \c
    PUT 5, 0
    TRAP_AT BLOCK_AT
    movl $\number, %ebx
    cmpl $\result, %eax
    jne end
.endm
_start:
    CALL TRAP_READ, STDIN, 0x800000, 16, 16, 1
    CALL TRAP_READ, STDIN, 0x20000, 16, INVAL, 2
    CALL TRAP_UNJAIL, 0x20000, 0x10000, 0, INVAL, 3
    CALL TRAP_JAIL, 0x20000, 0x10000, 0, INVAL, 4
    CALL TRAP_UNJAIL, 0x10000, 0x10000, 0, INVAL, 5
    CALL TRAP_UNJAIL, 0x30000, 0x10000, 0, INVAL, 6
    CALL TRAP_UNJAIL, 0x800000, 0x10000, 0, 0, 7
    xorl %ebx, %ebx
end:
    PUT 0, TRAP_EXIT
    .bundle_lock
    movl $(BLOCK_AT + 16), %eax
    movq %rbx, (%r15,%rax)
    .bundle_unlock
    TRAP_AT BLOCK_AT
