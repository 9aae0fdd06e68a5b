// What a test program may hook into a worker that runs many sessions: a look at everything that a
// guest will find, and a reset that is left out, so that the look can be shown to see something.
// The worker that is shipped does neither (entry_check.cc); test/native/worker/ has the others.
#pragma once

#include "sandbox/guest_run.h"

namespace zvm {

// Right before a guest is entered: the window is complete, its registers are to be set yet.
void CheckEntry(const GuestRun& run);

// Nothing is restored behind a session.
bool SkipsReset();

}  // namespace zvm
