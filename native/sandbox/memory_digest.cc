// The memory etag: one digest over every readable region. A page that was never touched is a page
// of zeros by definition; the kernel's page map tells which those are, so that hashing them costs
// no page fault and leaves them untouched.
#include <algorithm>
#include <cstring>

#include "sandbox/address_space.h"
#include "sandbox/page_scan.h"

namespace zvm {
namespace {

constexpr size_t kZeroBlockSizeBytes = 64 * 1024;
alignas(4096) constexpr uint8_t kZeroBlock[kZeroBlockSizeBytes] = {};

constexpr size_t kRangesMax = 256;

// Bytes between two looks at the stop request: a few milliseconds of hashing.
constexpr uint64_t kStepSizeBytes = 4 << 20;

// The digest of the memory in the making. Every step returns false once a stop is requested.
class MemoryDigest {
 public:
  MemoryDigest(Digest& digest, int pagemap_fd, const StopRequest& stop)
      : digest_(digest), pagemap_fd_(pagemap_fd), stop_(stop) {}

  // [start, end) of the host's addresses.
  bool Add(uint64_t start, uint64_t end) {
    while (start < end && !stop_.requested()) {
      const uint64_t take = std::min(end - start, kStepSizeBytes);
      digest_.Update(reinterpret_cast<const void*>(start), take);
      start += take;
    }
    return start == end;
  }
  // The same for anonymous memory.
  bool AddAnonymous(uint64_t start, uint64_t end) {
    while (pagemap_fd_ >= 0 && start < end) {
      const uint64_t next = AddScanned(start, end);
      if (next == start) {
        break;
      }
      start = next;
    }
    return Add(start, end);
  }

 private:
  bool AddZeros(uint64_t size) {
    while (size > 0 && !stop_.requested()) {
      const uint64_t take = std::min<uint64_t>(size, kZeroBlockSizeBytes);
      digest_.Update(kZeroBlock, take);
      size -= take;
    }
    return size == 0;
  }
  uint64_t AddScanned(uint64_t start, uint64_t end);

  Digest& digest_;
  const int pagemap_fd_;
  const StopRequest& stop_;
};

// Digests the part of [start, end) that one scan covers; returns where it stopped, or `start` when
// the kernel cannot scan or a stop is requested.
uint64_t MemoryDigest::AddScanned(uint64_t start, uint64_t end) {
  PageRange ranges[kRangesMax];
  PageScanResult scan;
  if (!ScanPages(pagemap_fd_, start, end, true, ranges, &scan)) {
    return start;
  }
  uint64_t at = start;
  for (size_t i = 0; i < scan.count; ++i) {
    if (!AddZeros(ranges[i].start - at) || !Add(ranges[i].start, ranges[i].end)) {
      return start;
    }
    at = ranges[i].end;
  }
  return AddZeros(scan.walk_end - at) ? scan.walk_end : start;
}

}  // namespace

bool AddressSpace::DigestMemory(Digest& digest, int pagemap_fd, const StopRequest& stop) const {
  MemoryDigest memory(digest, pagemap_fd, stop);
  for (const GuestRegion& region : regions()) {
    if ((region.rights & kRightRead) == 0) {
      continue;
    }
    const uint64_t start = ZVM_WINDOW_BASE + region.start;
    const uint64_t end = ZVM_WINDOW_BASE + region.end;
    // Only anonymous memory: absent pages of a mapped image are not zeros.
    const bool anonymous = (region.rights & kRightWrite) != 0;
    if (!(anonymous ? memory.AddAnonymous(start, end) : memory.Add(start, end))) {
      return false;
    }
  }
  return !stop.requested();
}

}  // namespace zvm
