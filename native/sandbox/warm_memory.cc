#include "sandbox/warm_memory.h"

#include <sys/mman.h>
#include <sys/prctl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "sandbox/window_access.h"

namespace zvm {
namespace {

constexpr uint64_t kHardwarePage = 4096;

bool GiveBack(const GuestRegion& region) {
  return madvise(WindowHost(region.start), region.end - region.start, MADV_DONTNEED) == 0;
}

}  // namespace

Failure WarmMemory::SetUp(int pagemap_fd) {
  // SAFETY: khugepaged would map 2 MiB where one page was touched, without a fault of ours: pages
  // that are on no list, and that a guest writes to without being noticed.
  if (prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) != 0 ||
      prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) != 1) {
    return MakeFailure(EPERM, "warm-huge-pages", "transparent huge pages cannot be turned off");
  }
  pagemap_fd_ = pagemap_fd;
  return {};
}

Failure WarmMemory::SetProgram(const PreparedImage& image) {
  if (data_ != nullptr) {
    munmap(const_cast<uint8_t*>(data_), data_map_size_);
    data_ = nullptr;
  }
  list_.complete = false;
  snapshot_ = nullptr;
  const NexeSegment& data = image.layout().data;
  data_start_ = ZVM_WINDOW_BASE + data.start;
  data_end_ = data_start_ + data.file_size_bytes;
  if (data.file_size_bytes == 0) {
    return {};
  }
  data_map_size_ = (data.file_size_bytes + kHardwarePage - 1) & ~(kHardwarePage - 1);
  void* const got = mmap(nullptr, data_map_size_, PROT_READ, MAP_PRIVATE, image.fd.get(),
                         static_cast<off_t>(data.start));
  if (got == MAP_FAILED) {
    return MakeFailure(errno, "warm-map-failed", "cannot map the data of the image");
  }
  data_ = static_cast<const uint8_t*>(got);
  return {};
}

// Appends what is there of `region`. False: the kernel cannot tell, or the list is full.
bool WarmMemory::ScanInto(const GuestRegion& region, PageList& list) {
  const uint64_t start = ZVM_WINDOW_BASE + region.start, end = ZVM_WINDOW_BASE + region.end;
  PageScanResult scan;
  const std::span<PageRange> room = std::span(list.ranges).subspan(list.count);
  // SAFETY: a page that is only the kernel's page of zeros holds nothing, and appears on the list
  // through another fault once it is written to. A walk that did not reach the end tells nothing
  // about the rest.
  if (room.empty() || !ScanPages(pagemap_fd_, start, end, false, room, &scan) ||
      scan.walk_end != end) {
    return false;
  }
  for (const PageRange& range : room.first(scan.count)) {
    ZVM_CHECK(range.start >= start && range.start < range.end && range.end <= end);
    list.size_bytes += range.end - range.start;
  }
  list.count += scan.count;
  return true;
}

void WarmMemory::Scan(const AddressSpace& space, PageList& list) {
  ++scan_count_;
  list.count = 0;
  list.size_bytes = 0;
  list.complete =
      pagemap_fd_ >= 0 && ScanInto(space.heap(), list) && ScanInto(space.stack(), list);
}

// Every page of `found` is on the list `known`. Both ascend.
bool WarmMemory::Covers(const PageList& known, const PageList& found) const {
  size_t at = 0;
  for (const PageRange& range : std::span(found.ranges).first(found.count)) {
    for (uint64_t covered = range.start; covered < range.end;) {
      while (at < known.count && known.ranges[at].end <= covered) {
        ++at;
      }
      if (at == known.count || known.ranges[at].start > covered) {
        return false;
      }
      covered = known.ranges[at].end;
    }
  }
  return true;
}

// Makes list_ complete if that is possible. False: it had missed a page.
bool WarmMemory::Refresh(const AddressSpace& space, uint64_t fault_count) {
  const bool known =
      list_.complete && faults_ == fault_count && generation_ == space.generation();
  if (known && ++sessions_since_scan_ < kScanEvery) {
    return true;
  }
  sessions_since_scan_ = 0;
  Scan(space, found_);
  // SAFETY: what is believed about the kernel's counter is tried now and then; a counter that did
  // not tell of a new page ends the process.
  if (known && found_.complete && !Covers(list_, found_)) {
    return false;
  }
  // A scan that failed half-way leaves room for doubt about old pages only by forgetting them.
  std::copy_n(found_.ranges.begin(), found_.count, list_.ranges.begin());
  list_.count = found_.count;
  list_.size_bytes = found_.size_bytes;
  list_.complete = found_.complete;
  faults_ = fault_count;
  generation_ = space.generation();
  return true;
}

// The bytes that Map leaves there: the image's where it has data, zeros elsewhere.
void WarmMemory::CleanFresh(uint64_t start, uint64_t end) const {
  const uint64_t data_start = std::clamp(data_start_, start, end);
  const uint64_t data_end = std::clamp(data_end_, data_start, end);
  std::memset(reinterpret_cast<void*>(start), 0, data_start - start);
  if (data_end > data_start) {
    std::memcpy(reinterpret_cast<void*>(data_start), data_ + (data_start - data_start_),
                data_end - data_start);
  }
  std::memset(reinterpret_cast<void*>(data_end), 0, end - data_end);
}

// The same with the pages of the snapshot. Ranges come in ascending order; `next`: the first page
// of the snapshot that is not in place yet.
void WarmMemory::Clean(const PageRange& range, uint32_t* next) const {
  uint64_t at = range.start;
  for (; snapshot_ != nullptr && *next < snapshot_->page_count(); ++*next) {
    auto* const page = WindowHost(snapshot_->address(*next));
    const auto start = reinterpret_cast<uint64_t>(page);
    if (start >= range.end) {
      break;
    }
    // A page that is on no list is put in place all the same.
    if (start > at) {
      CleanFresh(at, start);
    }
    std::memcpy(page, snapshot_->content(*next), kSnapshotPageBytes);
    at = std::max(at, start + kSnapshotPageBytes);
  }
  CleanFresh(at, range.end);
}

void WarmMemory::AddSnapshot(const Snapshot& snapshot) {
  ZVM_CHECK(snapshot_ == nullptr);
  snapshot.Install();
  snapshot_ = &snapshot;
}

void WarmMemory::RemoveSnapshot() {
  if (snapshot_ == nullptr) {
    return;
  }
  for (uint32_t i = 0; i < snapshot_->page_count(); ++i) {
    const auto start = reinterpret_cast<uint64_t>(WindowHost(snapshot_->address(i)));
    CleanFresh(start, start + kSnapshotPageBytes);
  }
  snapshot_ = nullptr;
}

bool WarmMemory::Drop(AddressSpace& space) {
  ++drop_count_;
  list_.complete = false;
  list_.count = 0;
  list_.size_bytes = 0;
  // SAFETY: the kernel promises zeros where private anonymous memory was given back.
  if (!GiveBack(space.heap()) || !GiveBack(space.stack())) {
    return false;
  }
  if (data_ != nullptr) {
    std::memcpy(reinterpret_cast<void*>(data_start_), data_, data_end_ - data_start_);
  }
  if (snapshot_ != nullptr) {
    snapshot_->Install();
  }
  return true;
}

bool WarmMemory::Restore(AddressSpace& space, uint64_t fault_count) {
  // First: pages must be writable to be cleaned.
  if (!space.UnjailAll() || !Refresh(space, fault_count)) {
    return false;
  }
  if (!list_.complete || list_.size_bytes > kWarmMemoryMax) {
    return Drop(space);
  }
  uint32_t next = 0;
  for (const PageRange& range : std::span(list_.ranges).first(list_.count)) {
    Clean(range, &next);
  }
  for (; snapshot_ != nullptr && next < snapshot_->page_count(); ++next) {
    std::memcpy(WindowHost(snapshot_->address(next)), snapshot_->content(next),
                kSnapshotPageBytes);
  }
  return true;
}

bool WarmMemory::Trim(AddressSpace& space) {
  return (list_.complete && list_.size_bytes <= kIdleMemoryMax) || Drop(space);
}

}  // namespace zvm
