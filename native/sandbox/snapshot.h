// A snapshot: what a program is at its checkpoint (trap fork), in a sealed memory file from which
// later sessions start. Guest state only: the pages that differ from a fresh session's, and the
// registers that survive a trap. Made by checkpoint, laid into the window by warm_memory or by
// Install.
//
// Whoever made the file ran a guest, so nothing in it is believed: every number is checked here
// before it is used, and what a guest can be given this way is no more than what a guest can do by
// itself. Format: docs/abi.md §8.3.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "abi/layout.h"
#include "base/failure.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "sandbox/address_space.h"
#include "sandbox/image.h"

namespace zvm {

inline constexpr uint64_t kSnapshotMagic = 0x31'50'4E'53'4D'56'5A'00;  // "\0ZVMSNP1"
inline constexpr uint32_t kSnapshotVersion = 1;
inline constexpr uint64_t kSnapshotPageBytes = 4096;
// Of memory that differs from a fresh session's; a program with more has no snapshot.
inline constexpr uint64_t kSnapshotMemoryMax = uint64_t{64} << 20;
inline constexpr uint32_t kSnapshotPagesMax = kSnapshotMemoryMax / kSnapshotPageBytes;

// What a guest has behind a trap. Addresses are guest addresses, so that none can lie outside of
// the window; the host adds the base. All other registers have fixed values there (docs/abi.md
// §4.1).
struct SnapshotRegisters {
  uint64_t rbx = 0, r12 = 0, r13 = 0, r14 = 0;
  uint32_t rbp = 0;
  uint32_t rsp = 0;             // with the two return addresses of the trap on it
  uint32_t return_address = 0;  // a bundle start in the text
  uint32_t mxcsr = 0;
  uint16_t fcw = 0;
  uint16_t reserved[3] = {};
};
static_assert(sizeof(SnapshotRegisters) == 56);

// Aliases, types and directions of the channels of a session, in guest order: the program has found
// its way around them and must find them again.
struct ChannelShape {
  char sha256_hex[64] = {};
  bool operator==(const ChannelShape&) const = default;
};
ChannelShape ShapeOf(const ChannelTable& channels);

// The first page of the file. Behind it `page_count` page numbers (u32: guest address / 4096,
// ascending), zeros up to the next page, then the pages in that order.
struct SnapshotHeader {
  uint64_t magic = kSnapshotMagic;
  uint32_t version = kSnapshotVersion;
  uint32_t page_count = 0;
  int64_t memory_bytes = 0;
  char nexe_sha256_hex[64] = {};
  ChannelShape channels;
  SnapshotRegisters registers;
};
static_assert(sizeof(SnapshotHeader) == 208);  // no padding: nothing of the host gets in

// Bytes before the first page of content.
constexpr uint64_t SnapshotIndexEnd(uint32_t page_count) {
  const uint64_t index = uint64_t{page_count} * sizeof(uint32_t);
  return kSnapshotPageBytes +
         (index + kSnapshotPageBytes - 1) / kSnapshotPageBytes * kSnapshotPageBytes;
}
constexpr uint64_t SnapshotSizeBytes(uint32_t page_count) {
  return SnapshotIndexEnd(page_count) + page_count * kSnapshotPageBytes;
}
inline constexpr uint64_t kSnapshotSizeMax = SnapshotSizeBytes(kSnapshotPagesMax);

// True when a guest could have these registers behind a trap.
bool RegistersHold(const SnapshotRegisters& registers, const NexeLayout& layout);

// A snapshot that this process has mapped, read-only.
class Snapshot {
 public:
  Snapshot() = default;
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;
  ~Snapshot() { Close(); }

  // Takes over a memory file with all seals. Failure: "snapshot-invalid" (22), and none is open.
  [[nodiscard]] Failure Open(UniqueFd fd);
  void Close();
  bool valid() const { return map_ != nullptr; }

  // It was made by this program with this memory and channels like these, else "snapshot-mismatch"
  // (22); its registers are those of a guest of this program, else "snapshot-invalid".
  [[nodiscard]] Failure CheckFor(const PreparedImage& image, int64_t memory_bytes,
                                 const ChannelShape& channels) const;
  // Every page lies in memory that the guest of this session may write, else "snapshot-invalid".
  // When the window is complete; before any page of it is laid there.
  [[nodiscard]] Failure CheckPages(const GuestRegion& heap, const GuestRegion& stack) const;

  const SnapshotRegisters& registers() const { return header().registers; }
  uint64_t size_bytes() const { return size_bytes_; }
  uint32_t page_count() const { return page_count_; }
  // Guest address of page `i` < page_count(), and its content.
  uint64_t address(uint32_t i) const { return uint64_t{index_[i]} * kSnapshotPageBytes; }
  const uint8_t* content(uint32_t i) const { return pages_ + i * kSnapshotPageBytes; }

  // Lays all pages into a window that is as Map left it. After CheckPages.
  void Install() const;

 private:
  const SnapshotHeader& header() const {
    return *reinterpret_cast<const SnapshotHeader*>(map_);
  }

  const uint8_t* map_ = nullptr;
  uint64_t size_bytes_ = 0;
  uint32_t page_count_ = 0;
  const uint32_t* index_ = nullptr;
  const uint8_t* pages_ = nullptr;
};

// A copy of the file `fd` as a sealed memory file; for snapshots that were kept on a disk.
[[nodiscard]] Result<UniqueFd, Failure> CopySnapshotFile(int fd);

}  // namespace zvm
