/* What the trap fuzz programs share: a generator (xorshift in rbx, which traps keep), tables of
 * arguments at the edges of every range, and a sum over all that a guest must not be able to
 * change. */
#include "attack.h"

.macro RANDOM
    movq %rbx, %rax
    shlq $13, %rax
    xorq %rax, %rbx
    movq %rbx, %rax
    shrq $7, %rax
    xorq %rax, %rbx
    movq %rbx, %rax
    shlq $17, %rax
    xorq %rax, %rbx
.endm
/* PICK table, word: scratch[word] = one of the 32 entries of the table. */
.macro PICK table, word
    RANDOM
    movl %ebx, %ecx
    shrl $11, %ecx
    andl $31, %ecx
    .bundle_lock
    movl %ecx, %ecx
    movq \table(%r15,%rcx,8), %rax
    .bundle_unlock
    movq %rax, scratch + 8 * \word(%rip)
.endm
/* SUM start, size: adds up a stretch of memory in r14. */
.macro SUM start, size
    movl $\start, %edx
    movl $(\size / 4), %ecx
8:
    .bundle_lock
    movl %edx, %edx
    addl (%r15,%rdx), %r14d
    .bundle_unlock
    roll $1, %r14d
    addl $4, %edx
    decl %ecx
    jnz 8b
.endm
.macro SUM_ALL
    xorl %r14d, %r14d
    SUM 0x10000, 0x30000
    SUM 0xFEFF0000, 0x10000
.endm
    .section .rodata
    .p2align 3
channels:
    .quad 0, 1, 2, 3, -1, 0x7FFFFFFF, 0x80000000, 0x100000000
    .quad 0, 1, 2, 0, 0, 1, 1, 2, 0, 0, 1, 1, 0xFFFFFFFF00000001, 0x8000000000000000, 4, 0xFFFF
    .quad 0, 0, 0, 1, 1, 1, 2, 2
buffers:
    .quad 0, 1, 0xFFFF, 0x10000, 0x1FFFF, 0x20000, 0x2FFFF, 0x30000
    .quad 0x800000, 0x800001, 0x800FFF, 0x900000, 0xFFFFFF, 0xFFFFF0, 0x1000000, 0x1000001
    .quad 0x80000000, 0xFEFEFFFF, 0xFEFF0000, 0xFEFFFFFC
    .quad 0xFEFFFFFF, 0xFF000000, 0xFF000001, 0xFFFFFFF0
    .quad 0xFFFFFFFF, 0x100000000, 0x100800000, 0x440A00800000
    .quad -1, 0x8000000000800000, 0x7FFFFFFFFFFFFFFF, 0x800000
sizes:
    .quad 0, 1, 2, 3, 15, 16, 17, 4095
    .quad 4096, 65535, 65536, 65537, 0x7FFFFF, 0x800000, 0x800001, 0x10000
    .quad 0x1000000, 0x1000001, 0x7FFFFFFF, 0x80000000
    .quad 0x80000001, 0xFFFFFFFF, 0xFFFFFFFE, 0x100000000
    .quad 0x100000001, 0xFFFFFFFF00000010, -1, 0x8000000000000000
    .quad 0x7FFFFFFFFFFFFFFF, 1, 16, 4096
offsets:
    .quad 0, 1, 2, 3, 15, 16, 4095, 4096
    .quad 465, 466, 467, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x100000000, 0x100000001
    .quad -1, -2, -16, -4096, -0x80000000, -0x100000000, 0x8000000000000000, 0x8000000000000001
    .quad 0x7FFFFFFFFFFFFFFF, 0x7FFFFFFFFFFFF000, 0x4000000000000000, 0, 1, 100, 999999, 1000000
pages:
    .quad 0x800000, 0x810000, 0x820000, 0x830000, 0x840000, 0x850000, 0x860000, 0x870000
    .quad 0x800000, 0x810000, 0x820000, 0x830000
    .quad 0x100800000, 0x440A00810000, 0x800001, 0x800020
    .quad 0, 0x10000, 0x20000, 0x30000, 0xFF0000, 0x1000000, 0xFEFF0000, 0xFF000000
    .quad 0xFFFF0000, 0x80000000, -1, 0x801000, 0x808000, 0x7F0000, 0x890000, 0x860000
ranges:
    .quad 0x10000, 0x20000, 0x30000, 0x40000, 0x80000, 0x10000, 0x20000, 0x10000
    .quad 0, 1, 32, 4095, 4096, 0xFFFF, 0x10001, -1
    .quad 0x80000000, 0x7FFF0000, 0x7FFFFFFF, 0xFFFF0000
    .quad 0x100010000, 0x1000000, 0x1010000, 0x800000
    .quad 0x10000, 0x10000, 0x20000, 0x50000, 0x60000, 0x70000, 0x90000, 0x10000

    .text
