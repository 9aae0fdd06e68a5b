// The one record that the context switch and the rest of the sandbox share. Included by assembly
// too: offsets are macros, asserted against the struct below. One guest, one thread, one record.
#ifndef ZVM_SANDBOX_GUEST_CONTEXT_H
#define ZVM_SANDBOX_GUEST_CONTEXT_H

#define ZVM_CTX_HOST_RSP 0
#define ZVM_CTX_GUEST_RSP 8
#define ZVM_CTX_RBX 16
#define ZVM_CTX_RBP 24
#define ZVM_CTX_R12 32
#define ZVM_CTX_R13 40
#define ZVM_CTX_R14 48
#define ZVM_CTX_RETURN_ADDRESS 56
#define ZVM_CTX_TRAP_BLOCK 64
#define ZVM_CTX_TRAP_RESULT 68
#define ZVM_CTX_GUEST_MXCSR 72
#define ZVM_CTX_HOST_MXCSR 76
#define ZVM_CTX_GUEST_FCW 80
#define ZVM_CTX_HOST_FCW 82
#define ZVM_CTX_START_INFO 84
#define ZVM_CTX_CPU 88
#define ZVM_CTX_XRSTOR_MASK 92
#define ZVM_CTX_STOP 96

// Bits of ZVM_CTX_CPU: what the processor and the kernel keep for us, so what must be scrubbed.
#define ZVM_CPU_XSAVE 1
#define ZVM_CPU_AVX 2
#define ZVM_CPU_AVX512 4

// Low half of the window base is 0, so its high half names it: 0x440A << 32.
#define ZVM_CTX_WINDOW_BASE 0x440A00000000

// Flags for host code: interrupts on (cannot be changed anyway), DF, AC, TF, NT, ID all clear.
#define ZVM_HOST_FLAGS 0x202

#ifndef __ASSEMBLER__

#include <cstddef>
#include <cstdint>

#include "abi/layout.h"

namespace zvm {

struct GuestContext {
  uint64_t host_rsp;        // stack of the host while the guest runs, 16-byte aligned
  uint64_t guest_rsp;  // at entry: the first rsp; in a trap: rsp with two return addresses on it
  uint64_t rbx, rbp, r12, r13, r14;
  uint64_t return_address;  // host form, inside the window, a bundle start
  uint32_t trap_block;      // guest address of the argument block
  int32_t trap_result;
  uint32_t guest_mxcsr, host_mxcsr;
  uint16_t guest_fcw, host_fcw;
  uint32_t start_info;      // rdi at entry
  uint32_t cpu;             // ZVM_CPU_*
  uint32_t xrstor_mask;
  volatile uint32_t stop;   // a stop signal arrived: the guest must not be entered again
};

static_assert(offsetof(GuestContext, host_rsp) == ZVM_CTX_HOST_RSP);
static_assert(offsetof(GuestContext, guest_rsp) == ZVM_CTX_GUEST_RSP);
static_assert(offsetof(GuestContext, rbx) == ZVM_CTX_RBX);
static_assert(offsetof(GuestContext, rbp) == ZVM_CTX_RBP);
static_assert(offsetof(GuestContext, r12) == ZVM_CTX_R12);
static_assert(offsetof(GuestContext, r13) == ZVM_CTX_R13);
static_assert(offsetof(GuestContext, r14) == ZVM_CTX_R14);
static_assert(offsetof(GuestContext, return_address) == ZVM_CTX_RETURN_ADDRESS);
static_assert(offsetof(GuestContext, trap_block) == ZVM_CTX_TRAP_BLOCK);
static_assert(offsetof(GuestContext, trap_result) == ZVM_CTX_TRAP_RESULT);
static_assert(offsetof(GuestContext, guest_mxcsr) == ZVM_CTX_GUEST_MXCSR);
static_assert(offsetof(GuestContext, host_mxcsr) == ZVM_CTX_HOST_MXCSR);
static_assert(offsetof(GuestContext, guest_fcw) == ZVM_CTX_GUEST_FCW);
static_assert(offsetof(GuestContext, host_fcw) == ZVM_CTX_HOST_FCW);
static_assert(offsetof(GuestContext, start_info) == ZVM_CTX_START_INFO);
static_assert(offsetof(GuestContext, cpu) == ZVM_CTX_CPU);
static_assert(offsetof(GuestContext, xrstor_mask) == ZVM_CTX_XRSTOR_MASK);
static_assert(offsetof(GuestContext, stop) == ZVM_CTX_STOP);
static_assert(ZVM_WINDOW_BASE == ZVM_CTX_WINDOW_BASE);

// Initial vector and x87 state for xrstor or fxrstor: everything in its reset state, MXCSR 0x1F80.
struct alignas(64) InitialFpuState {
  uint16_t fcw = 0x37F;
  uint8_t zeros_before_mxcsr[22] = {};
  uint32_t mxcsr = 0x1F80;
  uint32_t mxcsr_mask = 0xFFFF;
  uint8_t registers[480] = {};
  uint64_t xstate_bv = 0;  // 0: every requested component takes its initial value
  uint64_t xcomp_bv = 0;
  uint8_t reserved[48] = {};
};
static_assert(sizeof(InitialFpuState) == 576);
static_assert(offsetof(InitialFpuState, mxcsr) == 24);
static_assert(offsetof(InitialFpuState, xstate_bv) == 512);

extern "C" {
// The record of this process; written by EnterGuest's caller and by the trap entry.
extern GuestContext zvm_guest_context;
extern const InitialFpuState zvm_initial_fpu_state;

// Enters the guest at zvm_guest_context.return_address with rsp = guest_rsp. Returns when the guest
// has left for good: after a trap whose handler said so, or from a signal handler that resumed at
// ZvmLeaveGuest. All callee-saved registers and the floating-point environment are as before.
void ZvmEnterGuest();
// The same behind a trap: with the registers that ZvmTrapEntry would have saved and the result of
// the trap. Nothing else of the processor's state is left to the guest from before.
void ZvmContinueGuest();
// Where the thunk jumps. Never called from C++.
void ZvmTrapEntry();
// Where signal handlers resume to end the guest. Never called from C++.
void ZvmLeaveGuest();
// Two stretches of assembly that end in a jump to the guest: [begin, end). A stop signal that lands
// inside resumes at ZvmLeaveGuest, so that none is lost between the last look at `stop` and the
// jump.
extern const char zvm_enter_begin[], zvm_enter_end[], zvm_resume_begin[], zvm_resume_end[];
// Called by ZvmTrapEntry on the host stack. 0 = resume the guest, 1 = leave it.
int ZvmHandleTrap();
}

}  // namespace zvm

#endif
#endif
