// CpuFeatures from text and from the running processor.
#include "validator/features.h"

#include "base/host_cpu.h"

namespace zvm {

CpuFeatures CpuFeatures::OfThisCpu() {
  const zvm_cpuid basic = zvm_cpuid_1();
  const zvm_cpuid extended = zvm_cpuid_7();
  const zvm_cpuid amd = zvm_cpuid_80000001();
  const bool avx = zvm_cpu_has_avx();
  CpuFeatures found = None();
  auto add = [&found](CpuFeature feature, unsigned word, unsigned bit, bool also = true) {
    if (((word >> bit) & 1) != 0 && also) {
      found = found.With(feature);
    }
  };
  add(CpuFeature::kX87, basic.edx, 0);
  add(CpuFeature::kTsc, basic.edx, 4);
  add(CpuFeature::kCx8, basic.edx, 8);
  add(CpuFeature::kCmov, basic.edx, 15);
  add(CpuFeature::kMmx, basic.edx, 23);
  add(CpuFeature::kSse, basic.edx, 25);
  add(CpuFeature::kSse2, basic.edx, 26);
  add(CpuFeature::kSse3, basic.ecx, 0);
  add(CpuFeature::kSsse3, basic.ecx, 9);
  add(CpuFeature::kFma, basic.ecx, 12, avx);
  add(CpuFeature::kCx16, basic.ecx, 13);
  add(CpuFeature::kSse41, basic.ecx, 19);
  add(CpuFeature::kSse42, basic.ecx, 20);
  add(CpuFeature::kMovbe, basic.ecx, 22);
  add(CpuFeature::kPopcnt, basic.ecx, 23);
  add(CpuFeature::kAvx, basic.ecx, 28, avx);
  add(CpuFeature::kAvx2, extended.ebx, 5, avx);
  add(CpuFeature::kLahf, amd.ecx, 0);
  add(CpuFeature::kSse4a, amd.ecx, 6);
  add(CpuFeature::k3dNowPrefetch, amd.ecx, 8);
  add(CpuFeature::kEmmx, amd.edx, 22);
  add(CpuFeature::kLongMode, amd.edx, 29);
  add(CpuFeature::kE3dNow, amd.edx, 30);
  add(CpuFeature::k3dNow, amd.edx, 31);
  return found;
}

std::optional<CpuFeatures> CpuFeatures::Parse(std::string_view text) {
  if (text == "full") {
    return All();
  }
  if (text == "none") {
    return None();
  }
  if (text == "cpu") {
    return OfThisCpu();
  }
  if (text.size() < 2 || text[0] != '-') {
    return std::nullopt;
  }
  CpuFeatures left = All();
  text.remove_prefix(1);
  for (bool more = true; more;) {
    const size_t comma = text.find(',');
    const std::string_view name = text.substr(0, comma);
    more = comma != std::string_view::npos;
    text.remove_prefix(more ? comma + 1 : text.size());
    bool known = false;
    for (unsigned i = 0; i < kFeatureCount; ++i) {
      if (FeatureName(static_cast<CpuFeature>(i)) == name) {
        left = left.Without(static_cast<CpuFeature>(i));
        known = true;
      }
    }
    if (!known) {
      return std::nullopt;
    }
  }
  return left;
}

}  // namespace zvm
