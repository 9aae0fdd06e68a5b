// From a source file to an object: GCC, the rewriter in this process, LLVM-MC.
#pragma once

#include "guest/driver/options.h"
#include "guest/driver/toolchain.h"

namespace zvm::guest {

// Runs the stages up to options.stage (at most to an object) for one input; the result goes to
// `output` ("-" or empty: standard output where the stage is text). Returns the exit status.
[[nodiscard]] int Compile(const Toolchain& toolchain, const Options& options, const Input& input,
                          const std::string& output);

}  // namespace zvm::guest
