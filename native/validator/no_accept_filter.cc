// Built where no vectorised filter exists: the exact decoder judges every bundle.
#include "validator/scan.h"

namespace zvm {

AcceptFilter ChooseAcceptFilter(const ValidatorPolicy&) { return nullptr; }

}  // namespace zvm
