// Chooses the accept filter at run time: what the CPU has, what the operating system saves, and
// what the policy leaves the filter to decide.
#include "validator/accept_filter.h"

#include "base/host_cpu.h"
#include "validator/accept_filter_tables.h"

namespace zvm {
namespace {

bool Offers(CpuFeatures features, CpuFeatures wanted) {
  for (unsigned i = 0; i < static_cast<unsigned>(CpuFeature::kCount); ++i) {
    const CpuFeature feature = static_cast<CpuFeature>(i);
    if (wanted.Has(feature) && !features.Has(feature)) {
      return false;
    }
  }
  return true;
}

}  // namespace

AcceptFilter ChooseAcceptFilter(const ValidatorPolicy& policy) {
  // SAFETY: the filter accepts instructions that need kFilterFeatures. It never accepts rdtsc,
  // cpuid or non-temporal accesses, so the other switches of the policy are all for the exact path.
  if (!Offers(policy.features, kFilterFeatures)) {
    return nullptr;
  }
  return zvm_cpu_has_avx512_vbmi() ? Avx512AcceptFilter(policy.profile)
         : zvm_cpu_has_avx2()      ? Avx2AcceptFilter(policy.profile)
                                   : nullptr;
}

}  // namespace zvm
