#include "worker/entry_check.h"

namespace zvm {

void CheckEntry(const AddressSpace&, const PreparedImage&) {}

bool SkipsReset() { return false; }

}  // namespace zvm
