// The command line of zvm-validate, parsed.
#pragma once

#include <string_view>

#include "validator/validator.h"

namespace zvm {

enum class ValidateMode { kFile, kHex, kBench, kHelp };
enum class ValidatePath { kFast, kExact, kBoth };

struct ValidateArguments {
  ValidateMode mode = ValidateMode::kFile;
  ValidatorPolicy policy;
  ValidatePath path = ValidatePath::kFast;
  bool load = false;  // rewrite as the loader does, then judge
  bool json = false;
  const char* file = nullptr;
  unsigned runs = 30;
};

// Fills `arguments`. False: `error` says what is wrong (a literal), `culprit` with which argument.
[[nodiscard]] bool ParseValidateArguments(int argc, char** argv, ValidateArguments& arguments,
                                          std::string_view& error, std::string_view& culprit);

extern const char kValidateUsage[];

}  // namespace zvm
