// From objects to a nexe that the validator has accepted.
#pragma once

#include "guest/driver/options.h"
#include "guest/driver/toolchain.h"

namespace zvm::guest {

// `objects[i]` is the object of options.inputs[i]. Links, validates and returns the exit status; on
// any failure no output file is left behind.
[[nodiscard]] int Link(const Toolchain& toolchain, const Options& options,
                       const Arguments& objects);

}  // namespace zvm::guest
