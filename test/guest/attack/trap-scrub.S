// After a trap: what is kept (rbx rbp r12 r13 r14, MXCSR, x87 control word), what is cleared
// (vectors, tags, other registers), and the direction flag. The trap runs a digest over 64 KiB,
// so host vectors were in use.
// expect: outcome=exited code=0 status=0
// unvalidated: same
// channel: @/stdout, /dev/stdout, 0, 1, 0, 0, 100, 1000000
#include "attack.h"

_start:
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    vpcmpeqd %ymm\n, %ymm\n, %ymm\n
    .endr
    ldmxcsr user_mxcsr(%rip)
    fldcw user_fcw(%rip)
    fldpi
    movl $0x1111, %ebx
    movl $0x2222, %r12d
    movl $0x3333, %r13d
    movl $0x4444, %r14d
    .irp reg, %rdx, %rsi, %r8, %r9, %r10, %r11
    movq $-1, \reg
    .endr
    std
    TRAP write_block
    movq %rdi, save_rdi(%rip)
    movq %rcx, save_rcx(%rip)
    movq %r11, save_r11(%rip)
    CHECK %eax, 65536, 1
    CHECK64 %rbx, 0x1111, 2
    CHECK64 %r12, 0x2222, 3
    CHECK64 %r13, 0x3333, 4
    CHECK64 %r14, 0x4444, 5
    CHECK64 %rdx, 0, 6
    CHECK64 %rsi, 0, 7
    CHECK64 %r8, 0, 8
    CHECK64 %r9, 0, 9
    CHECK64 %r10, 0, 10
    movq save_r11(%rip), %rcx
    CHECK64 %rcx, 0, 11
    movq save_rdi(%rip), %rcx
    CHECK64 %rcx, 0xFFFFFFD0, 12
    movq save_rcx(%rip), %rcx
    shrq $32, %rcx
    CHECK64 %rcx, 0x440A, 13
    CHECK64 %rsp, WINDOW + 0xFFFFFFC8, 14
    CHECK64 %rbp, WINDOW + 0xFFFFFFC8, 15
    CHECK64 %r15, WINDOW, 16
    stmxcsr save_rdi(%rip)
    movl save_rdi(%rip), %ecx
    CHECK %ecx, 0x9FC0, 17
    fnstcw save_rdi(%rip)
    movl save_rdi(%rip), %ecx
    andl $0xFFFF, %ecx
    CHECK %ecx, 0x27F, 18
    fnstenv environment(%rip)
    movl environment + 8(%rip), %ecx
    andl $0xFFFF, %ecx
    CHECK %ecx, 0xFFFF, 19
    movl environment + 12(%rip), %ecx
    CHECK %ecx, 0, 20
    movl environment + 20(%rip), %ecx
    CHECK %ecx, 0, 21
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    vptest %ymm\n, %ymm\n
    jz 1f
    EXIT $(40 + \n)
1:
    .endr
    /* The direction flag is clear: a store moves up. */
    xorl %eax, %eax
    movl $0x800000, %edi
    .bundle_lock
    movl %edi, %edi
    leaq (%r15,%rdi,1), %rdi
    stosb
    .bundle_unlock
    CHECK64 %rdi, WINDOW + 0x800001, 22
    EXIT $0

    .data
    BLOCK write_block, TRAP_WRITE, STDOUT, 0x800000, 65536, 0
user_mxcsr:
    .long 0x9FC0
user_fcw:
    .word 0x27F, 0
    .p2align 3
save_rdi:
    .quad 0
save_rcx:
    .quad 0
save_r11:
    .quad 0
environment:
    .skip 28
