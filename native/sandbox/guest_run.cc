#include "sandbox/guest_run.h"

#include <asm/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "sandbox/guest_context.h"
#include "sandbox/guest_state.h"
#include "sandbox/snapshot.h"

namespace zvm {

extern "C" {
GuestContext zvm_guest_context;
const InitialFpuState zvm_initial_fpu_state;
}

GuestState guest_state;

namespace {

// True when gs-relative accesses of this thread reach the window: compares the first bytes of the
// trampolines, read both ways. A wrong base faults or differs.
bool SegmentBaseHolds() {
  uint64_t through_gs;
  __asm__ volatile("movq %%gs:(%1), %0"
                   : "=r"(through_gs)
                   : "r"(uint64_t{ZVM_TRAMPOLINE_START}));
  uint64_t direct;
  std::memcpy(&direct, reinterpret_cast<const void*>(ZVM_WINDOW_BASE + ZVM_TRAMPOLINE_START),
              sizeof direct);
  return through_gs == direct;
}

}  // namespace

Failure SetGuestSegmentBase() {
  uint64_t read_back = 0;
  if (syscall(SYS_arch_prctl, ARCH_SET_GS, ZVM_WINDOW_BASE) != 0 ||
      syscall(SYS_arch_prctl, ARCH_GET_GS, &read_back) != 0 || read_back != ZVM_WINDOW_BASE) {
    return MakeFailure(EPERM, "segment-base-failed", "cannot set the segment base of the guest");
  }
  return {};
}

void SetGuestStart(const GuestRun& run) {
  GuestContext& context = zvm_guest_context;
  if (run.start == nullptr) {
    context.return_address = ZVM_WINDOW_BASE + run.entry;
    context.guest_rsp = ZVM_WINDOW_BASE + run.space->entry_stack_pointer().value;
    context.start_info = run.space->entry_stack_pointer().value + 8;
    return;
  }
  // SAFETY: 32-bit guest addresses plus the base are in the window, and return_address is a bundle
  // start (RegistersHold): all that validated code relies on.
  const SnapshotRegisters& registers = *run.start;
  context.return_address = ZVM_WINDOW_BASE + registers.return_address;
  context.guest_rsp = ZVM_WINDOW_BASE + registers.rsp;
  context.rbp = ZVM_WINDOW_BASE + registers.rbp;
  context.rbx = registers.rbx;
  context.r12 = registers.r12;
  context.r13 = registers.r13;
  context.r14 = registers.r14;
  context.guest_mxcsr = registers.mxcsr;
  context.guest_fcw = registers.fcw;
  context.trap_result = run.start_result;
}

void EnterGuestAtStart(const GuestRun& run) {
  if (run.start == nullptr) {
    ZvmEnterGuest();
  } else {
    ZvmContinueGuest();
  }
}

GuestOutcome RunGuest(const GuestRun& run) {
  ZVM_CHECK(guest_state.run == nullptr);
  ZVM_CHECK(run.jail_scratch.size() >= ValidatorScratchBytes(kJailSizeMax));
  guest_state = {};
  guest_state.run = &run;
  // In this order: a handler that comes in between sets the flag again or is seen in the request.
  zvm_guest_context.stop = 0;
  if (run.stop->requested()) {
    zvm_guest_context.stop = 1;
  }
  SetGuestStart(run);
  // SAFETY: profile zvm is sound only while gs base is the window base on this very thread.
  ZVM_CHECK(SegmentBaseHolds());
  EnterGuestAtStart(run);
  GuestOutcome outcome;
  outcome.end = guest_state.end;
  outcome.exit_code = guest_state.exit_code;
  outcome.fault = guest_state.fault;
  outcome.trampoline = guest_state.trampoline;
  outcome.trap_block = guest_state.trap_block;
  guest_state.run = nullptr;
  return outcome;
}

}  // namespace zvm
