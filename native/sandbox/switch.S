/* The context switch: into the guest, out of it by a trap, out of it for good.
 * Rules: docs/abi.md §2.4, §4. Nothing here reads or writes guest memory. While rsp holds a guest value
 * only signal handlers may use a stack, and theirs is the alternate one. */
#include "sandbox/guest_context.h"

#define CTX(field) zvm_guest_context + field(%rip)

    .text

/* void ZvmEnterGuest(void)
 * in: zvm_guest_context.{return_address, guest_rsp, start_info, cpu, xrstor_mask}; gs base = window
 * clobbered: everything but the callee-saved registers, which ZvmLeaveGuest restores. */
    .globl ZvmEnterGuest
    .hidden ZvmEnterGuest
    .type ZvmEnterGuest, @function
    .p2align 5
ZvmEnterGuest:
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    subq $8, %rsp
    movq %rsp, CTX(ZVM_CTX_HOST_RSP)
    stmxcsr CTX(ZVM_CTX_HOST_MXCSR)
    fnstcw CTX(ZVM_CTX_HOST_FCW)

    .globl zvm_enter_begin
    .hidden zvm_enter_begin
zvm_enter_begin:
    cmpl $0, CTX(ZVM_CTX_STOP)
    jnz ZvmLeaveGuest
    /* SAFETY: no vector, mask or x87 register of the host may reach the guest: everything the
     * processor has is put into its reset state, AVX-512 included (vzeroall is not enough). */
    testl $ZVM_CPU_XSAVE, CTX(ZVM_CTX_CPU)
    jz 1f
    movl CTX(ZVM_CTX_XRSTOR_MASK), %eax
    xorl %edx, %edx
    xrstor zvm_initial_fpu_state(%rip)
    jmp 2f
1:  fxrstor zvm_initial_fpu_state(%rip)
2:
    movq CTX(ZVM_CTX_RETURN_ADDRESS), %rcx
    movl CTX(ZVM_CTX_START_INFO), %edi
    movq CTX(ZVM_CTX_GUEST_RSP), %rsp
    movq %rsp, %rbp
    movabsq $ZVM_CTX_WINDOW_BASE, %r15
    xorl %eax, %eax
    xorl %ebx, %ebx
    xorl %edx, %edx
    xorl %esi, %esi
    xorl %r8d, %r8d
    xorl %r9d, %r9d
    xorl %r10d, %r10d
    xorl %r11d, %r11d
    xorl %r12d, %r12d
    xorl %r13d, %r13d
    cld
    xorl %r14d, %r14d
    jmp *%rcx
    .globl zvm_enter_end
    .hidden zvm_enter_end
zvm_enter_end:
    .size ZvmEnterGuest, . - ZvmEnterGuest

/* void ZvmContinueGuest(void)
 * in: zvm_guest_context.{return_address, guest_rsp, rbx, rbp, r12, r13, r14, guest_mxcsr, guest_fcw,
 * trap_result, cpu, xrstor_mask}; gs base = window. clobbered: as ZvmEnterGuest.
 * Enters a guest as if it returned from a trap: a session that starts from a snapshot. */
    .globl ZvmContinueGuest
    .hidden ZvmContinueGuest
    .type ZvmContinueGuest, @function
    .p2align 5
ZvmContinueGuest:
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    subq $8, %rsp
    movq %rsp, CTX(ZVM_CTX_HOST_RSP)
    stmxcsr CTX(ZVM_CTX_HOST_MXCSR)
    fnstcw CTX(ZVM_CTX_HOST_FCW)
    /* SAFETY: as in ZvmEnterGuest; a trap finds x87 and MMX data of its own guest only, here they
     * would be another one's. */
    testl $ZVM_CPU_XSAVE, CTX(ZVM_CTX_CPU)
    jz 1f
    movl CTX(ZVM_CTX_XRSTOR_MASK), %eax
    xorl %edx, %edx
    xrstor zvm_initial_fpu_state(%rip)
    jmp 2f
1:  fxrstor zvm_initial_fpu_state(%rip)
2:  cld
    xorl %eax, %eax
    /* Looks at `stop` first. */
    jmp zvm_resume_begin
    .size ZvmContinueGuest, . - ZvmContinueGuest

/* Reached from the thunk with: rsp = guest stack holding {return address of the trampoline, return
 * address of the guest}, edi = guest address of the argument block, r15 = window base. */
    .globl ZvmTrapEntry
    .hidden ZvmTrapEntry
    .type ZvmTrapEntry, @function
    .p2align 5
ZvmTrapEntry:
    movq %rsp, CTX(ZVM_CTX_GUEST_RSP)
    movq CTX(ZVM_CTX_HOST_RSP), %rsp
    movq %rbx, CTX(ZVM_CTX_RBX)
    movq %rbp, CTX(ZVM_CTX_RBP)
    movq %r12, CTX(ZVM_CTX_R12)
    movq %r13, CTX(ZVM_CTX_R13)
    movq %r14, CTX(ZVM_CTX_R14)
    movl %edi, CTX(ZVM_CTX_TRAP_BLOCK)

    /* SAFETY: the guest chose flags, MXCSR and the x87 state. Host code must not run with its DF,
     * AC or unmasked exceptions; its own MXCSR and control word come back on return. */
    pushq $ZVM_HOST_FLAGS
    popfq
    stmxcsr CTX(ZVM_CTX_GUEST_MXCSR)
    fnstcw CTX(ZVM_CTX_GUEST_FCW)
    fninit
    ldmxcsr CTX(ZVM_CTX_HOST_MXCSR)
    testl $ZVM_CPU_AVX, CTX(ZVM_CTX_CPU)
    jz 1f
    vzeroupper
1:  call ZvmHandleTrap
    .globl zvm_resume_begin
    .hidden zvm_resume_begin
zvm_resume_begin:
    orl CTX(ZVM_CTX_STOP), %eax
    jnz ZvmLeaveGuest

    /* SAFETY: host data may stand in any vector or mask register: clear what exists. */
    testl $ZVM_CPU_AVX, CTX(ZVM_CTX_CPU)
    jz 3f
    vzeroall
    testl $ZVM_CPU_AVX512, CTX(ZVM_CTX_CPU)
    jz 4f
    .irp n, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    vpxorq %zmm\n, %zmm\n, %zmm\n
    .endr
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7
    kxorq %k\n, %k\n, %k\n
    .endr
    jmp 4f
3:
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    xorps %xmm\n, %xmm\n
    .endr
4:
    fldcw CTX(ZVM_CTX_GUEST_FCW)
    ldmxcsr CTX(ZVM_CTX_GUEST_MXCSR)
    movq CTX(ZVM_CTX_RETURN_ADDRESS), %rcx
    movslq CTX(ZVM_CTX_TRAP_RESULT), %rax
    movq CTX(ZVM_CTX_RBX), %rbx
    movq CTX(ZVM_CTX_RBP), %rbp
    movq CTX(ZVM_CTX_R12), %r12
    movq CTX(ZVM_CTX_R13), %r13
    movq CTX(ZVM_CTX_R14), %r14
    movabsq $ZVM_CTX_WINDOW_BASE, %r15
    movq CTX(ZVM_CTX_GUEST_RSP), %rsp
    leaq 16(%rsp), %rsp
    leal 8(%rsp), %edi
    xorl %edx, %edx
    xorl %esi, %esi
    xorl %r8d, %r8d
    xorl %r9d, %r9d
    xorl %r10d, %r10d
    xorl %r11d, %r11d
    jmp *%rcx
    .globl zvm_resume_end
    .hidden zvm_resume_end
zvm_resume_end:
    .size ZvmTrapEntry, . - ZvmTrapEntry

/* Resumed by a signal handler, or jumped to after a last trap: ends ZvmEnterGuest. */
    .globl ZvmLeaveGuest
    .hidden ZvmLeaveGuest
    .type ZvmLeaveGuest, @function
    .p2align 5
ZvmLeaveGuest:
    movq CTX(ZVM_CTX_HOST_RSP), %rsp
    pushq $ZVM_HOST_FLAGS
    popfq
    fninit
    fldcw CTX(ZVM_CTX_HOST_FCW)
    ldmxcsr CTX(ZVM_CTX_HOST_MXCSR)
    testl $ZVM_CPU_AVX, CTX(ZVM_CTX_CPU)
    jz 1f
    vzeroupper
1:  addq $8, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    ret
    .size ZvmLeaveGuest, . - ZvmLeaveGuest

    .section .note.GNU-stack, "", @progbits
