#include "sandbox/page_scan.h"

#include <sys/ioctl.h>

namespace zvm {
namespace {

// As linux/fs.h declares it; Debian 12's headers do not yet.
struct PagemapScan {
  uint64_t size = sizeof(PagemapScan);
  uint64_t flags = 0;
  uint64_t start = 0, end = 0, walk_end = 0;
  uint64_t ranges = 0, ranges_count = 0, pages_max = 0;
  uint64_t category_inverted = 0, category_mask = 0, category_any = 0, return_mask = 0;
};
static_assert(sizeof(PagemapScan) == 96);
static_assert(sizeof(PageRange) == 24);
constexpr uint64_t kPageIsPresent = 1 << 3, kPageIsSwapped = 1 << 4, kPageIsZeroPage = 1 << 5;
constexpr unsigned long kPagemapScan = _IOWR('f', 16, PagemapScan);

}  // namespace

bool ScanPages(int pagemap_fd, uint64_t start, uint64_t end, bool with_zero_page,
               std::span<PageRange> ranges, PageScanResult* result) {
  PagemapScan scan;
  scan.start = start;
  scan.end = end;
  scan.ranges = reinterpret_cast<uint64_t>(ranges.data());
  scan.ranges_count = ranges.size();
  scan.category_any = kPageIsPresent | kPageIsSwapped;
  scan.return_mask = kPageIsPresent | kPageIsSwapped;
  if (!with_zero_page) {
    scan.category_inverted = kPageIsZeroPage;
    scan.category_mask = kPageIsZeroPage;
  }
  const int count = ioctl(pagemap_fd, kPagemapScan, &scan);
  if (count < 0 || scan.walk_end <= start || scan.walk_end > end) {
    return false;
  }
  *result = {static_cast<size_t>(count), scan.walk_end};
  return true;
}

}  // namespace zvm
