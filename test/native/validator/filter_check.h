// One differential step: an accept filter against the exact path on four bundles.
#pragma once

#include <cstdint>
#include <string>

#include "validator/scan.h"

namespace zvm::test {

inline constexpr size_t kBlockSize = kFilterBundles * kBundleSize;

struct FilterCounts {
  uint64_t bundles = 0;
  uint64_t exact_accepted = 0;
  uint64_t filter_accepted = 0;
};

// Empty when the filter is right about the `kBlockSize` bytes at `block`: every bundle that it
// accepts is accepted by the exact path, with the same target word; its jump list is the exact
// path's for these bundles, in order; it reports profile zvm exactly if one of them needs it; and
// it leaves everything else in the output alone. Otherwise a description. Judges the block at
// `first_offset` (a multiple of kBlockSize below kCheckOffsetMax) of its chunk.
std::string CheckFilter(AcceptFilter filter, const ScanPolicy& policy, const uint8_t* block,
                        uint32_t first_offset, FilterCounts& counts);

inline constexpr uint32_t kCheckOffsetMax = 1u << 12;

}  // namespace zvm::test
