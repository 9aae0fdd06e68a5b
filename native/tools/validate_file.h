// zvm-validate FILE and --bench FILE.
#pragma once

#include "tools/validate_arguments.h"

namespace zvm {

// Both return the exit status: 0 valid, 1 refused or paths disagree, 2 the file is unusable.
int RunFile(const ValidateArguments& arguments);
// A file that is no nexe is taken as raw code.
int RunBench(const ValidateArguments& arguments);

}  // namespace zvm
