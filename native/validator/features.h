// CpuFeatures: which optional instruction sets the code under judgement may use. One bit for each
// name that the validator knows; the names are the vocabulary of `zvm-validate --features` and of
// the conformance tables.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace zvm {

enum class CpuFeature : uint8_t {
  kX87, kCmov, kMmx, kEmmx, kSse, kSse2, kSse3, kSsse3, kSse41, kSse42, kSse4a,
  k3dNow, kE3dNow, k3dNowPrefetch, kLahf, kTsc, kMovbe, kPopcnt, kCx8, kCx16, kAvx, kAvx2, kFma,
  kLongMode,  // the processor runs 64-bit code at all; no instruction needs it by itself
  kCount,
};

class CpuFeatures {
 public:
  static constexpr CpuFeatures All() { return CpuFeatures((1u << kFeatureCount) - 1); }
  static constexpr CpuFeatures None() { return CpuFeatures(0); }
  // What the processor that runs this code offers and the operating system has switched on.
  static CpuFeatures OfThisCpu();
  // "full", "none", "cpu", "-A,B" (all but the named ones). Nothing for anything else.
  static std::optional<CpuFeatures> Parse(std::string_view text);

  constexpr bool Has(CpuFeature feature) const {
    return (bits_ >> static_cast<unsigned>(feature)) & 1;
  }
  constexpr CpuFeatures With(CpuFeature feature) const {
    return CpuFeatures(bits_ | (1u << static_cast<unsigned>(feature)));
  }
  constexpr CpuFeatures Without(CpuFeature feature) const {
    return CpuFeatures(bits_ & ~(1u << static_cast<unsigned>(feature)));
  }
  // One bit for each CpuFeature, in the order of the enum.
  constexpr uint32_t bits() const { return bits_; }
  friend constexpr bool operator==(CpuFeatures, CpuFeatures) = default;

 private:
  static constexpr unsigned kFeatureCount = static_cast<unsigned>(CpuFeature::kCount);
  constexpr explicit CpuFeatures(uint32_t bits) : bits_(bits) {}

  uint32_t bits_;
};

// The name in upper case, as in the conformance tables ("SSE41").
std::string_view FeatureName(CpuFeature feature);

}  // namespace zvm
