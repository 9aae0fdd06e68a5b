/* dirty: leaves as much behind as a seed of eight bytes on stdin says: bytes all over heap, stack and
 * bss, pages that were only read, jailed chunks, registers, flags, unmasked exceptions; and ends in one
 * of many ways. Not a test by itself: what the next session finds is. */
#include "attack/attack.h"

#define STEPS 48

/* Next of a xorshift sequence: state rbx, result rax too. */
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
    movq %rbx, %rax
.endm

/* ecx = a random address of the heap, rounded down to 64 KiB when `mask` says so. */
.macro HEAP_ADDRESS mask=-1
    RANDOM
    movl %eax, %ecx
    imulq %r14, %rcx
    shrq $32, %rcx
    addl %r13d, %ecx
    andl $\mask, %ecx
.endm

/* One access at ecx. */
.macro AT_ECX operation:vararg
    .bundle_lock
    movl %ecx, %ecx
    \operation
    .bundle_unlock
.endm

/* Leaves a page of every kind of memory, registers and control words that only this program sets. */
.macro PASS_CHECKPOINT
    LOAD32 USER_MANIFEST_POINTER, %ecx
    AT_ECX movl (%r15,%rcx), %r13d
    addl $0x120000, %r13d
    movl $300, %r12d
1:  movl %r13d, %ecx
    AT_ECX movl %r13d, (%r15,%rcx)
    addl $0x5010, %r13d
    subl $1, %r12d
    jnz 1b
    movq %r13, bss(%rip)
    movq %r13, bss + 0x20000(%rip)
    movl $STACK_START + 0x12340, %ecx
    AT_ECX movl %r13d, (%r15,%rcx)
    ldmxcsr masked(%rip)
    fldcw masked(%rip)
    movabsq $0x1122334455667788, %rbx
    movabsq $0x8877665544332211, %r14
    pushq %rbx
    pushq %r14
    TRAP fork_block
.endm

_start:
#ifdef CHECKPOINT
    PASS_CHECKPOINT
#endif
    TRAP seed_block
    movq seed(%rip), %rbx
    orq $1, %rbx
    LOAD32 USER_MANIFEST_POINTER, %ecx
    AT_ECX movl (%r15,%rcx), %r13d
    AT_ECX movl 4(%r15,%rcx), %r14d
    addl $0x20000, %r13d
    subl $0x40000, %r14d
    movl $STEPS, %r12d
step:
    subl $1, %r12d
    jz finish
    RANDOM
    shrq $32, %rax
    andl $15, %eax
    cmpl $5, %eax
    jb heap_write
    cmpl $8, %eax
    jb stack_write
    cmpl $10, %eax
    jb heap_read
    cmpl $12, %eax
    jb trap_read
    cmpl $13, %eax
    jb jail
    cmpl $14, %eax
    jb registers
    RANDOM
    andl $0x3FFF8, %eax
    .bundle_lock
    leal (%rax), %ecx
    .bundle_unlock
    addl $bss, %ecx
    AT_ECX movq %rbx, (%r15,%rcx)
    jmp step
heap_write:
    HEAP_ADDRESS
    AT_ECX movb %bl, (%r15,%rcx)
    jmp step
stack_write:
    RANDOM
    movl %eax, %ecx
    andl $0xFFFFF8, %ecx
    orl $STACK_START, %ecx
    AT_ECX movq %rbx, (%r15,%rcx)
    jmp step
heap_read:
    HEAP_ADDRESS
    AT_ECX movb (%r15,%rcx), %al
    jmp step
trap_read:
    HEAP_ADDRESS
    movq %rcx, read_block + 24(%rip)
    TRAP read_block
    jmp step
jail:
    HEAP_ADDRESS 0xFFFF0000
    movq %rcx, jail_block + 16(%rip)
    movl %ecx, %edi
    movl $0xF4F4F4F4, %eax
    movl $0x4000, %ecx
    .bundle_lock
    movl %edi, %edi
    leaq (%r15,%rdi,1), %rdi
    rep stosl
    .bundle_unlock
    TRAP jail_block
    jmp step
registers:
    movups seed(%rip), %xmm3
    movups seed(%rip), %xmm15
    movq %rbx, %mm5
    ldmxcsr unmasked(%rip)
    fldcw unmasked(%rip)
    movq %rbx, %r11
    jmp step

finish:
    RANDOM
    shrq $40, %rax
    andl $255, %eax
    cmpl $1, %eax
    jb overflow
    cmpl $2, %eax
    jb spin
    andl $7, %eax
    cmpl $3, %eax
    jb leave
    je null
    cmpl $5, %eax
    jb halt
    je trampoline
    cmpl $6, %eax
    je bad_block
    std
    movq (%rsp), %rax
    jmp null
leave:
    EXIT %ebx
null:
    LOAD32 0, %ecx
halt:
    hlt
trampoline:
    JUMP 0x100A0
bad_block:
    TRAP_AT 16
spin:
    jmp spin
overflow:
    pushq %rbx
    jmp overflow

    .data
    BLOCK fork_block, TRAP_FORK
    BLOCK seed_block, TRAP_READ, STDIN, seed, 8, 0
    BLOCK read_block, TRAP_READ, STDIN, 0, 5000, 0
    BLOCK jail_block, TRAP_JAIL, 0, 0x10000
    .p2align 4
seed:
    .quad 0, 0x5EC5E75EC5E75EC5
unmasked:
    .long 0
masked:
    .long 0x9F80

    .bss
    .p2align 4
bss:
    .skip 0x40000
