// The vectorised accept filters behind ChooseAcceptFilter (scan.h), one for each instruction set.
// They may only be called on a CPU that has it; accept_filter.cc decides.
#pragma once

#include "validator/scan.h"

namespace zvm {

// Needs AVX2 and POPCNT (accept_filter_avx2.cc).
AcceptFilter Avx2AcceptFilter(Profile profile);

// Needs AVX-512 F, BW, VL, DQ, VBMI and VBMI2, and BMI2 (accept_filter_avx512.cc).
AcceptFilter Avx512AcceptFilter(Profile profile);

}  // namespace zvm
