#include "sandbox/faults.h"

#include <sys/mman.h>
#include <ucontext.h>

#include <cerrno>
#include <csignal>

#include "sandbox/guest_context.h"
#include "sandbox/guest_state.h"
#include "sandbox/time_limits.h"

namespace zvm {
namespace {

// Holds one frame with AVX-512 state (under 4 KiB) and the handler; nothing nests, all are masked.
constexpr size_t kSignalStackSizeBytes = 64 * 1024;
constexpr size_t kGuardSizeBytes = 4096;

StopRequest* g_stop = nullptr;
TrustedFaultHandler g_on_trusted_fault = nullptr;
GuestTick g_guest_tick = nullptr;

constexpr int kStopSignals[] = {SIGALRM, SIGPROF, SIGXCPU, SIGXFSZ,
                                SIGTERM, SIGINT,  SIGHUP,  SIGQUIT};
constexpr int kFaultSignals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSTKFLT, SIGABRT};

bool InReservation(uint64_t rip) {
  constexpr uint64_t kStart = ZVM_WINDOW_BASE - ZVM_GUARD_SIZE_BYTES;
  return rip - kStart < 2 * ZVM_GUARD_SIZE_BYTES + ZVM_WINDOW_SIZE_BYTES;
}

bool Between(uint64_t rip, const char* begin, const char* end) {
  return rip >= reinterpret_cast<uint64_t>(begin) && rip < reinterpret_cast<uint64_t>(end);
}

bool OnTheWayIn(uint64_t rip) {
  return Between(rip, zvm_enter_begin, zvm_enter_end) ||
         Between(rip, zvm_resume_begin, zvm_resume_end);
}

// Resumes at ZvmLeaveGuest instead of at the guest. Flags are the host's; ZvmLeaveGuest takes care
// of the stack and of the floating-point environment.
void LeaveAfterHandler(mcontext_t& machine) {
  machine.gregs[REG_RIP] = reinterpret_cast<greg_t>(&ZvmLeaveGuest);
  machine.gregs[REG_EFL] = ZVM_HOST_FLAGS;
}

void SetReason(StopReason reason) {
  if (reason != StopReason::kNone) {
    g_stop->Set(reason);
  }
}

// What a signal asks for goes into the stop request.
void TakeRequest(int signal, const siginfo_t& info) {
  switch (signal) {
    case SIGALRM: return SetReason(OnWallTimer());
    case SIGPROF: return SetReason(OnCpuTimer());
    case SIGXFSZ: return g_stop->Set(StopReason::kDiskFull);
    // A limit of the whole process, and requests that name no session.
    case SIGXCPU: return g_stop->SetForGood(StopReason::kCpuTime);
    default: break;
  }
  if (signal != CancelSignal()) {
    g_stop->SetForGood(StopReason::kTerminated);
  } else if (info.si_code == SI_QUEUE) {
    g_stop->Cancel(reinterpret_cast<uint64_t>(info.si_value.sival_ptr));
  }
}

void OnStopSignal(int signal, siginfo_t* info, void* context) {
  // SAFETY: the kernel leaves the guest's AC flag set, and host code need not be aligned.
  __builtin_ia32_writeeflags_u64(ZVM_HOST_FLAGS);
  TakeRequest(signal, *info);
  mcontext_t& machine = static_cast<ucontext_t*>(context)->uc_mcontext;
  const auto rip = static_cast<uint64_t>(machine.gregs[REG_RIP]);
  if (!g_stop->requested()) {
    // A timer of an earlier session, a tick, or a session that is not running.
    if (signal == SIGPROF && g_guest_tick != nullptr && InReservation(rip)) {
      g_guest_tick();
    }
    return;
  }
  zvm_guest_context.stop = 1;
  // SAFETY: a rip inside the window means that the guest was running, one on the way into it that
  // no host work is left to be done. Other host code is never resumed elsewhere: it finds the
  // request itself before it goes that way.
  if (InReservation(rip) || OnTheWayIn(rip)) {
    guest_state.end = GuestEnd::kStopped;
    LeaveAfterHandler(machine);
  } else {
    InterruptAgain();
  }
}

void OnFaultSignal(int signal, siginfo_t*, void* context) {
  // SAFETY: as above.
  __builtin_ia32_writeeflags_u64(ZVM_HOST_FLAGS);
  mcontext_t& machine = static_cast<ucontext_t*>(context)->uc_mcontext;
  const auto rip = static_cast<uint64_t>(machine.gregs[REG_RIP]);
  if (!InReservation(rip)) {
    g_on_trusted_fault(signal);
    __builtin_trap();
  }
  GuestFault& fault = guest_state.fault;
  fault.signal = signal;
  fault.rip = rip;
  constexpr int kRegisters[16] = {REG_RAX, REG_RBX, REG_RCX, REG_RDX, REG_RSI, REG_RDI,
                                  REG_RBP, REG_RSP, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                  REG_R12, REG_R13, REG_R14, REG_R15};
  for (int i = 0; i < 16; ++i) {
    fault.registers[i] = static_cast<uint64_t>(machine.gregs[kRegisters[i]]);
  }
  guest_state.end = GuestEnd::kFaulted;
  LeaveAfterHandler(machine);
}

// An alternate stack outside the window with an inaccessible page below it.
bool InstallSignalStack() {
  void* const got = mmap(nullptr, kGuardSizeBytes + kSignalStackSizeBytes, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (got == MAP_FAILED || mprotect(got, kGuardSizeBytes, PROT_NONE) != 0) {
    return false;
  }
  stack_t stack = {};
  stack.ss_sp = static_cast<char*>(got) + kGuardSizeBytes;
  stack.ss_size = kSignalStackSizeBytes;
  return sigaltstack(&stack, nullptr) == 0;
}

bool Install(int signal, void (*handler)(int, siginfo_t*, void*)) {
  struct sigaction action = {};
  action.sa_sigaction = handler;
  // SAFETY: on the alternate stack, because rsp is the guest's; everything masked, so that no
  // second signal lands on a half-handled first one. No SA_RESTART: blocking calls must return.
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigfillset(&action.sa_mask);
  return sigaction(signal, &action, nullptr) == 0;
}

}  // namespace

void SetGuestTick(GuestTick tick) { g_guest_tick = tick; }

Failure InstallSignalHandlers(StopRequest* stop, TrustedFaultHandler on_trusted_fault) {
  g_stop = stop;
  g_on_trusted_fault = on_trusted_fault;
  bool ok = InstallSignalStack();
  for (const int signal : kStopSignals) {
    ok = ok && Install(signal, OnStopSignal);
  }
  ok = ok && Install(CancelSignal(), OnStopSignal);
  for (const int signal : kFaultSignals) {
    ok = ok && Install(signal, OnFaultSignal);
  }
  // A reader that closes its pipe early gives EPIPE to the writer instead of a death.
  ok = ok && signal(SIGPIPE, SIG_IGN) != SIG_ERR;
  sigset_t none;
  sigemptyset(&none);
  ok = ok && sigprocmask(SIG_SETMASK, &none, nullptr) == 0;
  return ok ? Failure{} : MakeFailure(errno, "signals-failed", "cannot install signal handlers");
}

}  // namespace zvm
