// Which pages of a stretch of anonymous memory are there: the kernel's PAGEMAP_SCAN (Linux 6.7).
// Used by memory_digest and warm_memory. Never touches the pages themselves.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace zvm {

// Host addresses, [start, end), multiples of the hardware page.
struct PageRange {
  uint64_t start = 0;
  uint64_t end = 0;
  uint64_t categories = 0;
};

struct PageScanResult {
  size_t count = 0;       // ranges found, ascending
  uint64_t walk_end = 0;  // everything below it is told; less than the end when `ranges` is full
};

// Pages of [start, end) that are present or in swap. `with_zero_page`: also those that are only
// mapped to the kernel's shared page of zeros, because they were read and never written. False when
// the kernel cannot scan.
[[nodiscard]] bool ScanPages(int pagemap_fd, uint64_t start, uint64_t end, bool with_zero_page,
                             std::span<PageRange> ranges, PageScanResult* result);

}  // namespace zvm
