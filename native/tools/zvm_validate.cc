// zvm-validate: judges nexes and raw code with the sandbox's validator. A thin main: arguments,
// then one of three modes.
#include <cstdio>

#include "tools/validate_arguments.h"
#include "tools/validate_file.h"
#include "tools/validate_hex.h"

int main(int argc, char** argv) {
  zvm::ValidateArguments arguments;
  std::string_view error;
  std::string_view culprit;
  if (!zvm::ParseValidateArguments(argc, argv, arguments, error, culprit)) {
    std::fprintf(stderr, "zvm-validate: %.*s%s%.*s\n%s", static_cast<int>(error.size()),
                 error.data(), culprit.empty() ? "" : ": ", static_cast<int>(culprit.size()),
                 culprit.data(), zvm::kValidateUsage);
    return 2;
  }
  switch (arguments.mode) {
    case zvm::ValidateMode::kHelp: std::fputs(zvm::kValidateUsage, stdout); return 0;
    case zvm::ValidateMode::kHex: return zvm::RunHex(arguments);
    case zvm::ValidateMode::kBench: return zvm::RunBench(arguments);
    case zvm::ValidateMode::kFile: return zvm::RunFile(arguments);
  }
  return 2;
}
