#include "sandbox/guest_run.h"

#include <asm/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "sandbox/guest_context.h"
#include "sandbox/guest_state.h"

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
  zvm_guest_context.return_address = ZVM_WINDOW_BASE + run.entry;
  zvm_guest_context.guest_rsp = ZVM_WINDOW_BASE + run.space->entry_stack_pointer().value;
  zvm_guest_context.start_info = run.space->entry_stack_pointer().value + 8;
  // SAFETY: profile zvm is sound only while gs base is the window base on this very thread.
  ZVM_CHECK(SegmentBaseHolds());
  ZvmEnterGuest();
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
