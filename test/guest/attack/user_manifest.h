/* The body of the programs that look at the user manifest: record, channel records and names are as
 * documented for COUNT channels, the last one answers LAST to a read, and there is none behind it. */
#include "attack.h"

_start:
    LOAD32 USER_MANIFEST_POINTER, %ebx
    CHECK %ebx, (STACK_START - 48 * COUNT - 24), 1
    .bundle_lock
    movl %ebx, %ebx
    movl (%r15,%rbx), %ecx
    .bundle_unlock
    CHECK %ecx, program_end, 2
    .bundle_lock
    movl %ebx, %ebx
    movl 4(%r15,%rbx), %edx
    .bundle_unlock
    addl %edx, %ecx
    CHECK %ecx, 0x1000000, 3
    .bundle_lock
    movl %ebx, %ebx
    movl 8(%r15,%rbx), %ecx
    .bundle_unlock
    CHECK %ecx, 0x1000000, 4
    .bundle_lock
    movl %ebx, %ebx
    movl 12(%r15,%rbx), %ecx
    .bundle_unlock
    CHECK %ecx, COUNT, 5
    .bundle_lock
    movl %ebx, %ebx
    movl 16(%r15,%rbx), %r12d
    .bundle_unlock
    CHECK %r12d, (STACK_START - 48 * COUNT - 4), 6
    /* Every record: type 0, the name inside the manifest and ended before the record. */
    xorl %r13d, %r13d
    movl %ebx, %r14d
1:
    .bundle_lock
    movl %r12d, %r12d
    movl 40(%r15,%r12), %ecx
    .bundle_unlock
    CHECK %ecx, 0, 7
    .bundle_lock
    movl %r12d, %r12d
    movl 44(%r15,%r12), %edx
    .bundle_unlock
    cmpl %r14d, %edx
    jae wrong
    /* The byte before the previous name is its end. */
    leal -1(%r14), %ecx
    .bundle_lock
    movl %ecx, %ecx
    movzbl (%r15,%rcx), %eax
    .bundle_unlock
    testl %eax, %eax
    jnz wrong
    movl %edx, %r14d
    addl $48, %r12d
    incl %r13d
    cmpl $COUNT, %r13d
    jne 1b
    EXPECT_ARGS TRAP_READ, (COUNT - 1), 0x800000, 1, 0, LAST, 8
    EXPECT_ARGS TRAP_READ, COUNT, 0x800000, 1, 0, INVAL, 9
    EXIT $0
    .p2align 5
wrong:
    EXIT $10

    .bss
program_end:
