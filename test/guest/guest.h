/* Macros for guests in assembly (tests only). A guest is a .S file that includes this, defines
 * `_start`, and is linked by guest.ld. Code is bundled by the assembler; CALL puts a call at the end of
 * its bundle, because a trap returns to the next multiple of 32. */

/* The assembler does not know C's suffixes: plain numbers for what the guests use. */
#define TRAP_READ 0x64616552
#define TRAP_WRITE 0x74697257
#define TRAP_JAIL 0x6C69614A
#define TRAP_UNJAIL 0x6C6A6E55
#define TRAP_EXIT 0x74697845
#define TRAP_FORK 0x6B726F46

#define TRAMPOLINE 0x10000
#define STDIN 0
#define STDOUT 1
#define STDERR 2

    .bundle_align_mode 5
    .text

/* TRAP block: calls the host with edi = address of the argument block; result in eax. */
.macro TRAP block
    movl $\block, %edi
    .bundle_lock align_to_end
    call TRAMPOLINE
    .bundle_unlock
.endm

/* TRAP_EDI: the same, edi is set already. */
.macro TRAP_EDI
    .bundle_lock align_to_end
    call TRAMPOLINE
    .bundle_unlock
.endm

/* EXIT code: ends the session; the code is an immediate or a 32-bit register. Never returns. */
.macro EXIT code
    movl \code, %eax
    movq %rax, exit_block + 16(%rip)
    TRAP exit_block
    hlt
.endm

/* JMP_REG reg32 reg64: a masked indirect jump. */
.macro JMP_REG reg32, reg64
    .bundle_lock
    andl $-32, \reg32
    addq %r15, \reg64
    jmp *\reg64
    .bundle_unlock
.endm

/* CHECK reg32, value, number: exits with `number` when the register is not `value`. */
.macro CHECK reg32, value, number
    cmpl $\value, \reg32
    je 9f
    EXIT $\number
9:
.endm

/* Argument blocks: six words. */
.macro BLOCK name, function, a=0, b=0, c=0, d=0
    .p2align 3
\name:
    .quad \function, 0, \a, \b, \c, \d
.endm

/* A guest that must not have a data segment defines NO_DATA and does without EXIT and CHECK. */
#ifndef NO_DATA
    .data
    BLOCK exit_block, TRAP_EXIT
    .text
#endif
