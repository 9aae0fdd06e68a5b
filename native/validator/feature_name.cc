// Names of CPU features. Apart from features.cc because the table generator needs them too.
#include "validator/features.h"

namespace zvm {

std::string_view FeatureName(CpuFeature feature) {
  static constexpr std::string_view kNames[] = {
      "x87",   "CMOV",   "MMX",           "EMMX", "SSE", "SSE2",  "SSE3",   "SSSE3",
      "SSE41", "SSE42",  "SSE4A",         "3DNOW", "E3DNOW", "3DNOWPREFETCH", "LAHF", "TSC",
      "MOVBE", "POPCNT", "CX8",           "CX16", "AVX", "AVX2",  "FMA", "LM"};
  static_assert(sizeof kNames / sizeof kNames[0] == static_cast<size_t>(CpuFeature::kCount));
  return kNames[static_cast<size_t>(feature)];
}

}  // namespace zvm
