// How a session ended, in the words of the report: outcome, classic state line, code, exit status.
// The first failure decides, later ones cannot hide it.
#pragma once

#include "base/failure.h"
#include "base/stop_request.h"
#include "base/text_buffer.h"
#include "report/report.h"
#include "sandbox/guest_run.h"

namespace zvm {

// Does not allocate; may be used in a signal handler. Texts: docs/abi.md §6.1.
class Ending {
 public:
  // The session could not start. A stop request that arrived meanwhile is the real cause.
  void SetFailure(const Failure& failure, const StopRequest& stop);
  // The guest ran and ended.
  void SetGuestOutcome(const GuestOutcome& outcome, const StopRequest& stop,
                       const Failure& channel_failure);
  // The guest reached its checkpoint; `failure`: why no snapshot was made, if so.
  void SetCheckpoint(const Failure& failure);
  // -F: everything is ready and the guest was not entered.
  void SetNotEntered();
  // Host code faulted.
  void SetTrustedFault(int signal);
  // Something failed after the end; counts only when nothing failed before.
  void AddFailure(const Failure& failure);

  // A limit acted, or the operator ended the session, after the guest had exited; counts only when
  // nothing failed before.
  void AddStop(StopReason reason);

  // Sets outcome, state, codes and positions. `report` borrows texts from this object.
  void Fill(Report& report) const;
  int status() const { return status_; }
  // The guest ended by itself and nothing has failed.
  bool exited() const { return outcome_ == Outcome::kExited && status_ == 0; }

 private:
  void SetStopped(StopReason reason);
  void SetFault(const GuestFault& fault);
  void TakeFailure(const Failure& failure);

  Outcome outcome_ = Outcome::kFailed;
  int status_ = 0;
  int32_t exit_code_ = 0;
  std::string_view code_;
  unsigned line_ = 0, column_ = 0;
  uint32_t fault_signal_ = 0, fault_address_ = 0;
  FaultRegisters fault_registers_ = {};
  FixedText<sizeof(Failure::text) + 64> state_;
};

}  // namespace zvm
