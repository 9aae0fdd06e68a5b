/* checkpoint: marks registers, stack, data and heap, passes its checkpoint and exits with
 * 16 * (how often the mark in its data was counted, 8 the first time) + (what the fork trap returned);
 * with 1..7 when something is not as it was before. The first byte of stdin, if there is one, says what
 * else it does: o writes, j jails code, l touches 65 MiB of heap before it, t passes a checkpoint twice,
 * i does not look at what the trap returned. */
#include "attack/attack.h"

.macro AT_ECX operation:vararg
    .bundle_lock
    movl %ecx, %ecx
    \operation
    .bundle_unlock
.endm

_start:
    TRAP mode_block
    LOAD32 USER_MANIFEST_POINTER, %ecx
    AT_ECX movl (%r15,%rcx), %r13d
    addl $0x2FFFF, %r13d
    andl $0xFFFF0000, %r13d
    movl mode(%rip), %eax
    cmpl $'o', %eax
    je output
    cmpl $'j', %eax
    je jail
    cmpl $'l', %eax
    je large
mark:
    movl %r13d, %ecx
    movl $0x1234567, %eax
    AT_ECX movl %eax, (%r15,%rcx)
    AT_ECX movl %eax, 0x100000(%r15,%rcx)
    ldmxcsr control(%rip)
    fldcw control(%rip)
    movabsq $0x1122334455667788, %rbx
    movabsq $0x8877665544332211, %r12
    movq %rbx, %r14
    pushq %rbx
    pushq %r12
    TRAP fork_block
    movl %eax, %r8d
    movabsq $0x8877665544332211, %rdx
    popq %rax
    cmpq %rdx, %rax
    jne broken_stack
    cmpq %rdx, %r12
    jne broken_registers
    popq %rax
    cmpq %rax, %rbx
    jne broken_registers
    cmpq %rax, %r14
    jne broken_registers
    movl %r13d, %ecx
    AT_ECX movl (%r15,%rcx), %eax
    CHECK %eax, 0x1234567, 3
    movl %r13d, %ecx
    AT_ECX movl 0x100000(%r15,%rcx), %eax
    CHECK %eax, 0x1234567, 3
    stmxcsr seen(%rip)
    movl seen(%rip), %eax
    CHECK %eax, 0x9F80, 4
    movl mode(%rip), %eax
    cmpl $'i', %eax
    je ignore
    cmpl $'t', %eax
    jne count
    movl %r8d, %r12d
    TRAP fork_block
    shll $2, %eax
    addl %r12d, %eax
    movl %eax, %r8d
count:
    /* What the next session must not find. */
    movl %r13d, %ecx
    AT_ECX movl %r8d, (%r15,%rcx)
    AT_ECX movl %r8d, 0x200000(%r15,%rcx)
    addl $1, counter(%rip)
    movl %r8d, seen(%rip)
    TRAP after_block
    movl counter(%rip), %eax
    shll $4, %eax
    addl seen(%rip), %eax
    EXIT %eax

ignore:
    xorl %r8d, %r8d
    jmp count
broken_stack:
    EXIT $1
broken_registers:
    EXIT $2

output:
    TRAP before_block
    jmp mark
jail:
    movq %r13, %rcx
    addl $0x10000, %ecx
    movq %rcx, jail_block + 16(%rip)
    movl %ecx, %edi
    movl $0xF4F4F4F4, %eax
    movl $0x4000, %ecx
    .bundle_lock
    movl %edi, %edi
    leaq (%r15,%rdi,1), %rdi
    rep stosl
    .bundle_unlock
    EXPECT jail_block, 0, 5
    jmp mark
large:
    movl %r13d, %ecx
    movl $16640, %edx
touch:
    AT_ECX movl %edx, (%r15,%rcx)
    addl $4096, %ecx
    subl $1, %edx
    jnz touch
    jmp mark

    .data
    BLOCK mode_block, TRAP_READ, STDIN, mode, 1, 0
    BLOCK fork_block, TRAP_FORK
    BLOCK before_block, TRAP_WRITE, STDOUT, text, 6, 0
    BLOCK after_block, TRAP_WRITE, STDOUT, text, 6, 0
    BLOCK jail_block, TRAP_JAIL, 0, 0x10000
    .p2align 2
mode:
    .long 0
seen:
    .long 0
counter:
    .long 7
control:
    .long 0x9F80
text:
    .ascii "after\n"
