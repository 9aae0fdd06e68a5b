// The memory etag: one digest over every readable region. A page that was never touched is a page
// of zeros by definition; the kernel's page map tells which those are, so that hashing them costs
// no page fault and leaves them untouched.
#include <sys/ioctl.h>

#include <algorithm>
#include <cstring>

#include "sandbox/address_space.h"

namespace zvm {
namespace {

constexpr size_t kZeroBlockSizeBytes = 64 * 1024;
alignas(4096) constexpr uint8_t kZeroBlock[kZeroBlockSizeBytes] = {};

// PAGEMAP_SCAN of Linux 6.7, which Debian 12's headers do not declare yet.
struct PageRange {
  uint64_t start, end, categories;
};
struct PagemapScan {
  uint64_t size = sizeof(PagemapScan);
  uint64_t flags = 0;
  uint64_t start = 0, end = 0, walk_end = 0;
  uint64_t ranges = 0, ranges_count = 0, pages_max = 0;
  uint64_t category_inverted = 0, category_mask = 0, category_any = 0, return_mask = 0;
};
static_assert(sizeof(PagemapScan) == 96);
constexpr uint64_t kPageIsPresent = 1 << 3, kPageIsSwapped = 1 << 4;
constexpr unsigned long kPagemapScan = _IOWR('f', 16, PagemapScan);
constexpr size_t kRangesMax = 256;

void UpdateZeros(Digest& digest, uint64_t size) {
  while (size > 0) {
    const uint64_t take = std::min<uint64_t>(size, kZeroBlockSizeBytes);
    digest.Update(kZeroBlock, take);
    size -= take;
  }
}

void UpdateFrom(Digest& digest, uint64_t host_start, uint64_t host_end) {
  digest.Update(reinterpret_cast<const void*>(host_start), host_end - host_start);
}

// Digests the part of [start, end) that one scan covers; returns where it stopped, or `start` when
// the kernel cannot scan.
uint64_t UpdateScanned(Digest& digest, int pagemap_fd, uint64_t start, uint64_t end) {
  PageRange ranges[kRangesMax];
  PagemapScan scan;
  scan.start = start;
  scan.end = end;
  scan.ranges = reinterpret_cast<uint64_t>(ranges);
  scan.ranges_count = kRangesMax;
  scan.category_any = kPageIsPresent | kPageIsSwapped;
  scan.return_mask = kPageIsPresent | kPageIsSwapped;
  const int count = ioctl(pagemap_fd, kPagemapScan, &scan);
  if (count < 0 || scan.walk_end <= start || scan.walk_end > end) {
    return start;
  }
  uint64_t at = start;
  for (int i = 0; i < count; ++i) {
    UpdateZeros(digest, ranges[i].start - at);
    UpdateFrom(digest, ranges[i].start, ranges[i].end);
    at = ranges[i].end;
  }
  UpdateZeros(digest, scan.walk_end - at);
  return scan.walk_end;
}

}  // namespace

void AddressSpace::DigestMemory(Digest& digest, int pagemap_fd) const {
  for (const GuestRegion& region : regions()) {
    if ((region.rights & kRightRead) == 0) {
      continue;
    }
    uint64_t at = ZVM_WINDOW_BASE + region.start;
    const uint64_t end = ZVM_WINDOW_BASE + region.end;
    // Only anonymous memory: absent pages of a mapped image are not zeros.
    const bool anonymous = (region.rights & kRightWrite) != 0;
    while (anonymous && pagemap_fd >= 0 && at < end) {
      const uint64_t next = UpdateScanned(digest, pagemap_fd, at, end);
      if (next == at) {
        break;
      }
      at = next;
    }
    UpdateFrom(digest, at, end);
  }
}

}  // namespace zvm
