// What this processor and kernel keep in registers, so what a context switch must scrub.
#pragma once

#include "base/failure.h"

namespace zvm {

// Fills the processor fields of zvm_guest_context. Fails when the machine lacks what the sandbox
// rests on: SSE with FXSR, no-execute pages.
[[nodiscard]] Failure QualifyCpu();

}  // namespace zvm
