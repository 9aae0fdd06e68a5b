// Any bytes as code, under any policy: the properties of properties.h hold. The first two bytes of
// the input choose the policy: profile and switches, and one CPU feature that is missing.
#include <cstdio>
#include <cstdlib>

#include "properties.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace zvm;
  constexpr size_t kCodeMax = 4096;
  if (size < 2) {
    return 0;
  }
  ValidatorPolicy policy;
  policy.profile = (data[0] & 1) != 0 ? Profile::kZvm : Profile::kNacl;
  policy.refuse_rdtsc = (data[0] & 2) != 0;
  policy.refuse_cpuid = (data[0] & 4) != 0;
  policy.refuse_non_temporal = (data[0] & 8) != 0;
  if (data[1] < static_cast<unsigned>(CpuFeature::kCount)) {
    policy.features = policy.features.Without(static_cast<CpuFeature>(data[1]));
  }
  const size_t end = size < kCodeMax ? size : kCodeMax;
  if (const char* broken = test::BrokenProperty({data + 2, data + end}, policy)) {
    std::fprintf(stderr, "broken property: %s\n", broken);
    std::abort();
  }
  return 0;
}
