#include "filter_check.h"

#include <algorithm>
#include <cstdio>

namespace zvm::test {
namespace {

constexpr size_t kWords = kCheckOffsetMax / kBundleSize;
constexpr size_t kJumpRoom = 2 * kFilterBundles * kMaxJumpsPerBundle;
constexpr uint32_t kUntouched = 0xdeadbeef;
constexpr size_t kJumpsBefore = 3;  // entries that the filter finds in the list

std::string Hex(uint32_t value) {
  char text[16];
  std::snprintf(text, sizeof text, "%08x", value);
  return text;
}

}  // namespace

std::string CheckFilter(AcceptFilter filter, const ScanPolicy& policy, const uint8_t* block,
                        uint32_t first_offset, FilterCounts& counts) {
  uint32_t targets[kWords];
  uint32_t jumps[kJumpsBefore + kJumpRoom];
  std::fill(targets, targets + kWords, kUntouched);
  std::fill(jumps, jumps + kJumpsBefore, kUntouched);
  ScanOutput output{targets, jumps, kJumpsBefore, false};
  const uint32_t accepted = filter(block, first_offset, output);

  uint32_t exact_targets[kWords];
  std::fill(exact_targets, exact_targets + kWords, kUntouched);
  uint32_t exact_jumps[kJumpsBefore + kJumpRoom];
  std::fill(exact_jumps, exact_jumps + kJumpsBefore, kUntouched);
  ScanOutput exact{exact_targets, exact_jumps, kJumpsBefore, false};
  for (uint32_t bundle = 0; bundle < kFilterBundles; ++bundle) {
    const uint32_t at = bundle * kBundleSize;
    const bool taken = ((accepted >> bundle) & 1) != 0;
    ScanOutput ignored{targets, jumps, 0, false};
    uint32_t ignored_word[kWords];
    uint32_t ignored_jumps[kJumpRoom];
    ignored.targets = ignored_word;
    ignored.jumps = ignored_jumps;
    const bool fine =
        ScanBundleExact(block + at, first_offset + at, policy, taken ? exact : ignored);
    counts.bundles += 1;
    counts.exact_accepted += fine;
    counts.filter_accepted += taken;
    if (taken && !fine) {
      return "bundle " + std::to_string(bundle) + " is accepted by the filter alone";
    }
  }
  if (accepted >= 1u << kFilterBundles) {
    return "a bundle that does not exist is accepted";
  }
  for (size_t i = 0; i < kWords; ++i) {
    if (targets[i] != exact_targets[i]) {
      return "target word " + std::to_string(i) + " is " + Hex(targets[i]) + ", exactly " +
             Hex(exact_targets[i]);
    }
  }
  if (output.jump_count != exact.jump_count ||
      !std::equal(jumps, jumps + output.jump_count, exact_jumps)) {
    return "jumps differ: " + std::to_string(output.jump_count - kJumpsBefore) + ", exactly " +
           std::to_string(exact.jump_count - kJumpsBefore);
  }
  return output.needs_zvm == exact.needs_zvm ? "" : "the needed profile differs";
}

}  // namespace zvm::test
