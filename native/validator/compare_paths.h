// Runs every way of judging a bundle beside the others: the walk that defines the verdict, the fast
// loop, and the accept filter. For tests, fuzzing and `zvm-validate --path both`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "validator/validator.h"

namespace zvm {

struct PathComparison {
  uint64_t bundles = 0;
  uint64_t accepted = 0;         // by the exact path
  uint64_t filter_accepted = 0;  // of these, by the filter
  uint64_t differences = 0;
  uint32_t first_difference = 0;  // offset of the first bundle that differs
};

// Compares verdict, jump targets, jumps and needed profile, bundle by bundle. The tail of `code`
// that fills no four bundles is completed with halts, so that the filter sees all of it.
PathComparison ComparePaths(std::span<const uint8_t> code, const ValidatorPolicy& policy);

}  // namespace zvm
