// What the run in progress is and how it ends: written by the trap handler and by signal handlers,
// read by RunGuest. Private to sandbox/.
#pragma once

#include "sandbox/guest_run.h"

namespace zvm {

struct GuestState {
  const GuestRun* run = nullptr;
  GuestEnd end = GuestEnd::kStopped;
  int32_t exit_code = 0;
  GuestFault fault;
  uint32_t trampoline = 0;
  uint32_t trap_block = 0;
};

extern GuestState guest_state;

}  // namespace zvm
