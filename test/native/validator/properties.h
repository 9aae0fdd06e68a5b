// Properties that every verdict has, whatever the code. Shared by tests and the fuzz target.
#pragma once

#include <cstdint>
#include <vector>

#include "validator/validator.h"

namespace zvm::test {

// The name of the first property that does not hold, nullptr when all do:
// both paths say the same, bundle by bundle; violations are inside the chunk; from every legal jump
// target of accepted code, decoding with no memory of what came before is legal up to the bundle's
// end and finds the same later targets; every direct jump of valid code ends at such a target or at
// a multiple of 32; rewriting is idempotent and what it accepts is valid as it stands.
// `code` is completed with halts.
const char* BrokenProperty(std::vector<uint8_t> code, const ValidatorPolicy& policy);

}  // namespace zvm::test
