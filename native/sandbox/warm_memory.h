// What makes a second session cheap: the pages that guests have faulted in stay, and are given back
// as a fresh session finds them. Knows nothing of sessions; address_space keeps rights and regions.
//
// Which pages are there is asked of the kernel once and then remembered. The list stays complete as
// long as this process takes no page fault: a page only appears through a fault that the kernel
// counts (getrusage), whoever touched it: the guest, the host or the kernel for one of them. That
// needs one thread, no other process that writes here, and no transparent huge pages, which would
// make pages appear by themselves: SetUp turns them off.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/failure.h"
#include "sandbox/address_space.h"
#include "sandbox/page_scan.h"
#include "sandbox/snapshot.h"

namespace zvm {

// More than this is given back to the kernel after a session. Clearing 16 MiB costs about 0.3 ms,
// faulting it in again 50 ms: a bound of memory, not of time.
inline constexpr uint64_t kWarmMemoryMax = uint64_t{16} << 20;
// More than this is given back while a worker has nothing to do.
inline constexpr uint64_t kIdleMemoryMax = uint64_t{1} << 20;
// The list is compared with the kernel's answer every so many sessions, whatever the counter says.
inline constexpr unsigned kScanEvery = 64;

class WarmMemory {
 public:
  WarmMemory() = default;
  WarmMemory(const WarmMemory&) = delete;
  WarmMemory& operator=(const WarmMemory&) = delete;

  // Before the outer wall. `pagemap_fd`: an open /proc/self/pagemap, or -1: everything is given
  // back after each session.
  [[nodiscard]] Failure SetUp(int pagemap_fd);
  // The program that AddressSpace::Map has mapped: maps its data, as a guest finds it, once more.
  [[nodiscard]] Failure SetProgram(const PreparedImage& image);

  // Lays `snapshot`, which has passed CheckPages, into a window without one; from here on it is
  // what Restore restores. Borrowed until RemoveSnapshot or SetProgram.
  void AddSnapshot(const Snapshot& snapshot);
  // Before the regions of the next session change: memory is what Map left, if it was what
  // Restore left. Without a snapshot nothing happens.
  void RemoveSnapshot();
  const Snapshot* snapshot() const { return snapshot_; }

  // After a session: heap and stack are what AddressSpace::Map left, with the pages of the
  // snapshot. `fault_count`: faults that this process had taken when the guest had ended. False:
  // memory may hold what the guest wrote, and the process must end.
  [[nodiscard]] bool Restore(AddressSpace& space, uint64_t fault_count);
  // Between sessions, when there is time: gives back what is above kIdleMemoryMax.
  [[nodiscard]] bool Trim(AddressSpace& space);

  uint64_t kept_bytes() const { return list_.size_bytes; }
  uint64_t scan_count() const { return scan_count_; }
  uint64_t drop_count() const { return drop_count_; }

 private:
  static constexpr size_t kRangesMax = 512;

  // Pages that are there, ascending, host addresses.
  struct PageList {
    std::array<PageRange, kRangesMax> ranges;
    size_t count = 0;
    uint64_t size_bytes = 0;
    bool complete = false;
  };

  bool ScanInto(const GuestRegion& region, PageList& list);
  void Scan(const AddressSpace& space, PageList& list);
  bool Covers(const PageList& known, const PageList& found) const;
  bool Refresh(const AddressSpace& space, uint64_t fault_count);
  void CleanFresh(uint64_t start, uint64_t end) const;
  void Clean(const PageRange& range, uint32_t* next) const;
  bool Drop(AddressSpace& space);

  int pagemap_fd_ = -1;
  const uint8_t* data_ = nullptr;  // the image's
  uint64_t data_start_ = 0, data_end_ = 0;  // host addresses of what came from the file
  size_t data_map_size_ = 0;
  const Snapshot* snapshot_ = nullptr;
  PageList list_, found_;
  uint64_t faults_ = 0;         // the counter before the list was made
  uint32_t generation_ = 0;     // of the space when it was made
  unsigned sessions_since_scan_ = 0;
  uint64_t scan_count_ = 0, drop_count_ = 0;
};

}  // namespace zvm
