// Test only: the other answer of session/skip_validation.h. Linked into zvm-run-unvalidated, which
// is zvm-run without its inner wall; must never be part of anything that is installed.
#include "session/skip_validation.h"

namespace zvm {

bool SkipsValidation() { return true; }

}  // namespace zvm
