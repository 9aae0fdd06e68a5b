// zvm-validate --hex: one chunk a line on standard input, one verdict a line on standard output.
#pragma once

#include "tools/validate_arguments.h"

namespace zvm {

// Returns the exit status: 0, 1 when the paths disagree (--path both), 2 on a malformed line.
int RunHex(const ValidateArguments& arguments);

}  // namespace zvm
