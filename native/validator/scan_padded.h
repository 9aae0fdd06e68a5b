// The exact path for callers that know what lies behind the bundle: it may read a little further.
#pragma once

#include "validator/scan.h"

namespace zvm {

// Bytes behind the bundle that ScanBundlePadded may read. They never influence its answer.
inline constexpr size_t kBundlePadding = 24;

// ScanBundleExact for a bundle with kBundleSize + kBundlePadding readable bytes.
bool ScanBundlePadded(const uint8_t* bundle, uint32_t bundle_offset, const ScanPolicy& policy,
                      ScanOutput& output);

}  // namespace zvm
