#include "session/ending.h"

#include <cerrno>

namespace zvm {
namespace {

struct StopText {
  StopReason reason;
  Outcome outcome;
  std::string_view code;
  std::string_view state;
};
// "session timeout" and "disk quota exceeded" are frozen by clients.
constexpr StopText kStopTexts[] = {
    {StopReason::kWallTime, Outcome::kLimited, "limit-wall-time", "session timeout"},
    {StopReason::kCpuTime, Outcome::kLimited, "limit-cpu-time", "session cpu timeout"},
    {StopReason::kDiskFull, Outcome::kLimited, "limit-disk", "disk quota exceeded"},
    {StopReason::kTerminated, Outcome::kCancelled, "terminated", "session terminated"},
};

constexpr std::string_view kUpperDigits = "0123456789ABCDEF";
constexpr unsigned kAddressDigits = 12;

}  // namespace

void Ending::SetStopped(StopReason reason) {
  for (const StopText& row : kStopTexts) {
    if (row.reason == reason) {
      outcome_ = row.outcome;
      code_ = row.code;
      state_.Clear();
      state_.Add(row.state);
    }
  }
  status_ = EINTR;
}

void Ending::TakeFailure(const Failure& failure) {
  outcome_ = Outcome::kFailed;
  status_ = failure.status;
  code_ = failure.code;
  line_ = failure.line;
  column_ = failure.column;
  state_.Clear();
  if (line_ != 0) {
    state_.Add("MANIFEST ").AddUnsigned(line_).Add(": ");
  }
  state_.Add(failure.message());
}

void Ending::SetFailure(const Failure& failure, const StopRequest& stop) {
  if (stop.requested()) {
    SetStopped(stop.reason());
  } else {
    TakeFailure(failure);
  }
}

void Ending::AddFailure(const Failure& failure) {
  if (status_ == 0) {
    TakeFailure(failure);
  }
}

void Ending::AddStop(StopReason reason) {
  if (status_ == 0) {
    SetStopped(reason);
  }
}

// The address is the guest's own: the window has a fixed place, so nothing of the host is told.
void Ending::SetFault(const GuestFault& fault) {
  outcome_ = Outcome::kTrapped;
  status_ = EINTR;
  code_ = "guest-fault";
  fault_signal_ = static_cast<uint32_t>(fault.signal);
  fault_address_ = static_cast<uint32_t>(fault.rip - ZVM_WINDOW_BASE);
  static_assert(sizeof fault.registers / sizeof fault.registers[0] == kFaultRegisterCount);
  for (size_t i = 0; i < kFaultRegisterCount; ++i) {
    const uint64_t offset = fault.registers[i] - ZVM_WINDOW_BASE;
    fault_registers_[i] = offset < ZVM_WINDOW_SIZE_BYTES ? offset : fault.registers[i];
  }
  state_.Add("Signal ").AddUnsigned(fault_signal_).Add(" from untrusted code: Halting at 0x");
  for (unsigned digit = kAddressDigits; digit-- > 0;) {
    state_.AddChar(kUpperDigits[fault.rip >> (4 * digit) & 15]);
  }
}

void Ending::SetGuestOutcome(const GuestOutcome& outcome, const StopRequest& stop,
                             const Failure& channel_failure) {
  switch (outcome.end) {
    case GuestEnd::kExited:
      outcome_ = Outcome::kExited;
      exit_code_ = outcome.exit_code;
      state_.Add("ok");
      return;
    case GuestEnd::kFaulted:
      SetFault(outcome.fault);
      return;
    case GuestEnd::kBadTrampoline:
      outcome_ = Outcome::kTrapped;
      status_ = EINVAL;
      code_ = "guest-trampoline";
      state_.Add("nacl syscall #").AddUnsigned(outcome.trampoline).Add(" received");
      return;
    case GuestEnd::kBadTrap:
      outcome_ = Outcome::kTrapped;
      status_ = EFAULT;
      code_ = "guest-trap-block";
      state_.Add("uaddr 0x").AddHex(outcome.trap_block, 8).Add(" is not accessible");
      return;
    case GuestEnd::kChannelFailed:
      TakeFailure(channel_failure);
      return;
    case GuestEnd::kStopped:
      SetStopped(stop.reason());
      return;
    case GuestEnd::kCheckpoint:
      break;
  }
}

void Ending::SetCheckpoint(const Failure& failure) {
  if (failure.failed()) {
    TakeFailure(failure);
  } else {
    SetNotEntered();
  }
}

void Ending::SetNotEntered() {
  outcome_ = Outcome::kExited;
  state_.Add("ok");
}

void Ending::SetTrustedFault(int signal) {
  outcome_ = Outcome::kFailed;
  status_ = EINTR;
  code_ = "trusted-fault";
  state_.Add("Signal ").AddUnsigned(static_cast<uint64_t>(signal)).Add(" from trusted code");
}

void Ending::Fill(Report& report) const {
  report.outcome = outcome_;
  report.status = status_;
  report.exit_code = exit_code_;
  report.state = state_.view();
  report.reason_code = code_;
  report.line = line_;
  report.column = column_;
  report.fault_signal = fault_signal_;
  report.fault_address = fault_address_;
  report.fault_registers = fault_registers_;
}

}  // namespace zvm
