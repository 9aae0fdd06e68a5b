// Signals: guest faults, limits and the operator's wish to stop become an end of the run. Handlers
// run on their own stack, touch no guest memory and never resume a guest that faulted.
#pragma once

#include <csignal>

#include "base/failure.h"
#include "base/stop_request.h"

namespace zvm {

// Called when host code itself faults: a bug or an attack that got through the inner wall. Must
// only use async-signal-safe functions and must not return to the host code; ends with _exit.
using TrustedFaultHandler = void (*)(int signal);

// A queued signal (SI_QUEUE) whose value is the number of a session: ends that session and no
// other. docs/wire.md §1.
inline int CancelSignal() { return SIGRTMIN; }

// Installs handlers and the alternate stack, once per process. Stop signals set `stop`; when the
// guest runs it is left at once, otherwise the blocking call that was interrupted looks at `stop`.
[[nodiscard]] Failure InstallSignalHandlers(StopRequest* stop,
                                            TrustedFaultHandler on_trusted_fault);

// Called from the handler of the processor timer when the guest itself was running, so no host code
// is half-way through anything. Async-signal-safe, must not block; the guest goes on behind it.
using GuestTick = void (*)();
void SetGuestTick(GuestTick tick);

}  // namespace zvm
