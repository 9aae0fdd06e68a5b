// Differential run of the three ways to judge a bundle.
#include "validator/compare_paths.h"

#include <algorithm>
#include <cstring>

#include "validator/bundle_walk.h"
#include "validator/scan.h"

namespace zvm {
namespace {

constexpr size_t kStepSize = kFilterBundles * kBundleSize;

// The result of one way for one bundle. The arrays are indexed from the bundle's own offset.
struct BundleResult {
  bool accepted = false;
  bool needs_zvm = false;
  uint32_t targets = 0;
  size_t jump_count = 0;
  uint32_t jumps[kMaxJumpsPerBundle + 1] = {};

  bool operator==(const BundleResult& other) const {
    return accepted == other.accepted &&
           (!accepted || (needs_zvm == other.needs_zvm && targets == other.targets &&
                          jump_count == other.jump_count &&
                          std::equal(jumps, jumps + jump_count, other.jumps)));
  }
};

BundleResult JudgeByWalk(const uint8_t* bundle, uint32_t offset, const ScanPolicy& policy) {
  BundleResult result;
  BundleWalk walk{bundle, &policy};
  while (!walk.AtEnd()) {
    const WalkStep step = walk.Step();
    if (step.broken != 0) {
      return result;
    }
    result.needs_zvm |= step.zvm;
    if (step.instruction.jump8 || step.instruction.jump32) {
      result.jumps[result.jump_count++] =
          (offset + walk.position) | (step.instruction.jump32 ? kJumpIs32Bit : 0);
    }
  }
  result.accepted = walk.AtEndBroken() == 0;
  result.targets = walk.targets | 1;
  return result;
}

// `block` is at offset 0 of a chunk of its own.
BundleResult JudgeByLoop(const uint8_t* block, uint32_t bundle, const ScanPolicy& policy) {
  BundleResult result;
  uint32_t targets[kFilterBundles] = {};
  ScanOutput output{targets, result.jumps, 0, false};
  const uint32_t offset = bundle * kBundleSize;
  result.accepted = ScanBundleExact(block + offset, offset, policy, output);
  result.targets = targets[bundle];
  result.jump_count = output.jump_count;
  result.needs_zvm = output.needs_zvm;
  return result;
}

struct FilterResult {
  uint32_t accepted = 0;
  uint32_t targets[kFilterBundles] = {};
  size_t jump_count = 0;
  uint32_t jumps[2 * kFilterBundles * kMaxJumpsPerBundle] = {};
};

// Compares what the filter accepted with the exact results of the same bundles.
bool FilterAgrees(const FilterResult& filter, const BundleResult (&exact)[kFilterBundles]) {
  size_t jumps_expected = 0;
  for (uint32_t bundle = 0; bundle < kFilterBundles; ++bundle) {
    if (((filter.accepted >> bundle) & 1) == 0) {
      continue;
    }
    const BundleResult& result = exact[bundle];
    if (!result.accepted || filter.targets[bundle] != result.targets) {
      return false;
    }
    jumps_expected += result.jump_count;
    for (size_t i = 0; i < result.jump_count; ++i) {
      if (std::count(filter.jumps, filter.jumps + filter.jump_count, result.jumps[i]) != 1) {
        return false;
      }
    }
  }
  return jumps_expected == filter.jump_count;
}

}  // namespace

PathComparison ComparePaths(std::span<const uint8_t> code, const ValidatorPolicy& policy) {
  PathComparison comparison;
  const ScanPolicy scan = MakeScanPolicy(policy);
  const AcceptFilter filter = ChooseAcceptFilter(policy);
  for (size_t offset = 0; offset < code.size(); offset += kStepSize) {
    uint8_t block[kStepSize];
    const size_t size = std::min(kStepSize, code.size() - offset);
    std::memset(block, 0xf4, sizeof block);
    std::memcpy(block, code.data() + offset, size);
    BundleResult exact[kFilterBundles];
    bool agree = true;
    for (uint32_t bundle = 0; bundle < kFilterBundles; ++bundle) {
      const uint32_t at = bundle * kBundleSize;
      exact[bundle] = JudgeByWalk(block + at, at, scan);
      agree &= exact[bundle] == JudgeByLoop(block, bundle, scan);
      comparison.accepted += exact[bundle].accepted;
    }
    if (filter != nullptr) {
      FilterResult result;
      ScanOutput output{result.targets, result.jumps, 0, false};
      result.accepted = filter(block, 0, output);
      result.jump_count = output.jump_count;
      comparison.filter_accepted += static_cast<uint64_t>(__builtin_popcount(result.accepted & 15));
      agree &= FilterAgrees(result, exact);
    }
    comparison.bundles += kFilterBundles;
    if (!agree && comparison.differences++ == 0) {
      comparison.first_difference = static_cast<uint32_t>(offset);
    }
  }
  return comparison;
}

}  // namespace zvm
