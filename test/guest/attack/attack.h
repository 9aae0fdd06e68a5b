/* Macros of the attack suite, on top of guest.h. Every program here says in its first lines what it
 * tries, why that must fail, and what must happen; test/native/attack/attack_case.h reads them. */
#include "guest.h"

#define WINDOW 0x440A00000000
#define THUNK 0x5AFECA110000
#define STACK_START 0xFF000000
#define USER_MANIFEST_POINTER 0xFEFFFFFC
#define TEXT_START 0x20000

/* errno values as a trap returns them. */
#define PERM -1
#define ACCES -13
#define FAULT -14
#define INVAL -22
#define DQUOT -122

/* JUMP address: a masked indirect jump to a constant. */
.macro JUMP address
    movl $\address, %eax
    JMP_REG %eax, %rax
.endm

/* SET_RSP address: moves the stack to a guest address. */
.macro SET_RSP address
    .bundle_lock
    movl $\address, %esp
    addq %r15, %rsp
    .bundle_unlock
.endm

/* LOAD32 address, reg32 and STORE32: one access through the window base. Destroys rax. */
.macro LOAD32 address, reg32
    .bundle_lock
    movl $\address, %eax
    movl (%r15,%rax), \reg32
    .bundle_unlock
.endm
.macro STORE32 address, reg32
    .bundle_lock
    movl $\address, %eax
    movl \reg32, (%r15,%rax)
    .bundle_unlock
.endm

/* TRAP_AT address: a trap whose argument block is at a constant address. */
.macro TRAP_AT address
    movl $\address, %edi
    TRAP_EDI
.endm

/* EXPECT block, result, number: the trap must return `result`. */
.macro EXPECT block, result, number
    TRAP \block
    CHECK %eax, \result, \number
.endm

/* SET block, word, value: one word of an argument block, any 64-bit constant. Destroys rax. */
.macro SET block, word, value
    movabsq $\value, %rax
    movq %rax, \block + 8 * \word(%rip)
.endm

/* EXPECT_ARGS function, a, b, c, d, result, number: fills `scratch` and traps. */
.macro EXPECT_ARGS function, a, b, c, d, result, number
    SET scratch, 0, \function
    SET scratch, 2, \a
    SET scratch, 3, \b
    SET scratch, 4, \c
    SET scratch, 5, \d
    EXPECT scratch, \result, \number
.endm

/* CHECK64 reg64, value, number: like CHECK, all 64 bits. Destroys r11. */
.macro CHECK64 reg64, value, number
    movabsq $\value, %r11
    cmpq %r11, \reg64
    je 9f
    EXIT $\number
9:
.endm

/* GATE: tells the runner that the program has got this far: writes one byte to stdout. */
.macro GATE
    EXPECT gate_block, 1, 250
.endm

/* FILL_HALTS start, size: halts from guest address `start`. Destroys rax, rcx, rdi. */
.macro FILL_HALTS start, size
    movl $0xF4F4F4F4, %eax
    movl $(\size / 4), %ecx
    movl $\start, %edi
    .bundle_lock
    movl %edi, %edi
    leaq (%r15,%rdi,1), %rdi
    rep stosl
    .bundle_unlock
.endm

/* SYSCALL number: a raw system call; the other arguments are in registers. Its result decides
 * nothing: the program must be dead. */
.macro SYSCALL number
    movl $\number, %eax
    syscall
    EXIT $77
.endm

#ifndef NO_DATA
    .data
    BLOCK scratch, 0
    BLOCK gate_block, TRAP_WRITE, STDOUT, gate_byte, 1, 0
gate_byte:
    .ascii "."
    .text
#endif

    .globl _start
