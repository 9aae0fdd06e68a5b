/* A guest in host code: entered by ZvmEnterGuest in a guest's place, writes down every register that it
 * finds and leaves. Layout: EntryRegisters in entry_check_on.cc. */
#include "sandbox/guest_context.h"

    .text
    .globl zvm_entry_probe
    .type zvm_entry_probe, @function
    .p2align 5
zvm_entry_probe:
    movq %rax, zvm_entry_registers + 0(%rip)
    movq %rbx, zvm_entry_registers + 8(%rip)
    movq %rdx, zvm_entry_registers + 16(%rip)
    movq %rsi, zvm_entry_registers + 24(%rip)
    movq %rdi, zvm_entry_registers + 32(%rip)
    movq %rbp, zvm_entry_registers + 40(%rip)
    movq %rsp, zvm_entry_registers + 48(%rip)
    movq %r8, zvm_entry_registers + 56(%rip)
    movq %r9, zvm_entry_registers + 64(%rip)
    movq %r10, zvm_entry_registers + 72(%rip)
    movq %r11, zvm_entry_registers + 80(%rip)
    movq %r12, zvm_entry_registers + 88(%rip)
    movq %r13, zvm_entry_registers + 96(%rip)
    movq %r14, zvm_entry_registers + 104(%rip)
    movq %r15, zvm_entry_registers + 112(%rip)
    leaq zvm_entry_registers + 128(%rip), %rsp
    pushfq
    fxsave64 zvm_entry_registers + 128(%rip)
    testl $ZVM_CPU_AVX512, zvm_guest_context + ZVM_CTX_CPU(%rip)
    jz 1f
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    vmovdqu64 %zmm\n, zvm_entry_registers + 640 + 64 * \n(%rip)
    .endr
    .irp n, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    vmovdqu64 %zmm\n, zvm_entry_registers + 640 + 64 * \n(%rip)
    .endr
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7
    kmovq %k\n, zvm_entry_registers + 2688 + 8 * \n(%rip)
    .endr
    jmp ZvmLeaveGuest
1:  testl $ZVM_CPU_AVX, zvm_guest_context + ZVM_CTX_CPU(%rip)
    jz 2f
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    vmovdqu %ymm\n, zvm_entry_registers + 640 + 64 * \n(%rip)
    .endr
2:  jmp ZvmLeaveGuest
    .size zvm_entry_probe, . - zvm_entry_probe

    .section .note.GNU-stack, "", @progbits
