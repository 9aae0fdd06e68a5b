#include "worker/entry_check.h"

namespace zvm {

void CheckEntry(const GuestRun&) {}

bool SkipsReset() { return false; }

}  // namespace zvm
