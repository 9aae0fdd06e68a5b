// The 84 GiB window: reservation, segments, user manifest, stack, heap; which guest address is
// what. The only file in which guest addresses become host pointers. Map: docs/abi.md §2.1.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/failure.h"
#include "base/guest_addr.h"
#include "base/stop_request.h"
#include "channel/channel_table.h"
#include "channel/digest.h"
#include "sandbox/image.h"

namespace zvm {

enum GuestRight : uint8_t {
  kRightNone = 0,
  kRightRead = 1,
  kRightWrite = 2,
  kRightExecute = 4,
};

// [start, end) of the window with one set of rights.
struct GuestRegion {
  uint64_t start = 0;
  uint64_t end = 0;
  uint8_t rights = kRightNone;
};

// One per process: the window has a fixed place.
class AddressSpace {
 public:
  AddressSpace() = default;
  AddressSpace(const AddressSpace&) = delete;
  AddressSpace& operator=(const AddressSpace&) = delete;

  // Takes the 84 GiB, all inaccessible. Fails when anything is mapped there already.
  [[nodiscard]] Failure Reserve();

  // Checks `memory_bytes` (the whole session: program, heap and 16 MiB of stack) against a layout,
  // without touching memory. Statuses 12; docs/abi.md §2.2.
  [[nodiscard]] static Failure CheckMemory(const NexeLayout& layout, int64_t memory_bytes);

  // Maps text, rodata, data, heap and stack. After success every region is in place except the user
  // manifest. Requires Reserve, or Clear after another session, and CheckMemory.
  [[nodiscard]] Failure Map(const PreparedImage& image, int64_t memory_bytes);

  // Writes channel records, names and the manifest record below the stack and makes them read-only.
  // Lowers the end of the heap when they need the room; fails (12) when nothing would be left. May
  // be called again for another session; costs no system call when the same bytes are there.
  [[nodiscard]] Failure WriteUserManifest(const ChannelTable& channels);

  // For another session behind this one; false: the kernel refuses, the window is not to be used.
  // All jailed chunks become ordinary memory. Their content stays.
  [[nodiscard]] bool UnjailAll();
  bool any_jailed() const { return any_jailed_; }
  // The window is as Reserve left it.
  [[nodiscard]] bool Clear();
  // Of writable memory: whoever remembers what lies where must forget it when this has changed.
  uint32_t generation() const { return generation_; }
  const GuestRegion& heap() const { return heap_; }
  const GuestRegion& stack() const { return stack_; }

  // Writes the 56 bytes of start information at the top of the stack; rsp at entry points to them.
  void WriteStartInfo();
  GuestAddr entry_stack_pointer() const { return {0xFFFFFFC8}; }

  // The one buffer check. Host pointer to [address, address + size) when every byte of it has
  // `right`, else nullptr. `address` is the guest's full 64-bit word; size <= 0 asks for the first
  // byte only.
  uint8_t* CheckBuffer(uint64_t address, int32_t size, GuestRight right) const;

  // jail: read-only, then `validate`, then read+execute. unjail: back to read+write. Both return
  // 0 or -errno as the trap does: -EINVAL unless [address, address + size) is a non-empty run of
  // whole 64 KiB pages inside the heap that cuts no jailed chunk; -EPERM when validate refuses;
  // -EACCES from the kernel.
  using ValidateCode = bool (*)(void* context, std::span<const uint8_t> code);
  int Jail(uint32_t address, int32_t size, ValidateCode validate, void* context);
  int Unjail(uint32_t address, int32_t size);

  // Digest of all readable regions in address order. Pages that no one has touched count as zeros
  // and stay untouched when `pagemap_fd` (an open /proc/self/pagemap) is valid. False, and `digest`
  // means nothing, when a stop was requested before the end: the limits of the session hold here
  // too.
  [[nodiscard]] bool DigestMemory(Digest& digest, int pagemap_fd, const StopRequest& stop) const;

  uint64_t heap_start() const { return heap_.start; }
  uint64_t heap_end() const { return heap_.end; }
  // Memory that the guest may write: heap and stack.
  uint64_t data_bytes() const { return heap_.end - heap_.start + ZVM_STACK_SIZE_BYTES; }
  std::span<const GuestRegion> regions() const { return {regions_.data(), region_count_}; }

 private:
  struct ManifestPlace {
    uint64_t names = 0;   // lowest byte
    uint64_t record = 0;
    uint64_t array = 0;
    uint64_t page() const { return names & ~uint64_t{ZVM_MAP_PAGE_SIZE_BYTES - 1}; }
    bool operator==(const ManifestPlace&) const = default;
  };

  bool ProtectWindow(uint64_t start, uint64_t end, int protection);
  bool DropWindow(uint64_t start, uint64_t end);
  Failure PlaceManifest(const ChannelTable& channels, ManifestPlace* place) const;
  bool OpenManifest(uint64_t page);
  template <class Put>
  bool PutManifest(const ChannelTable& channels, const ManifestPlace& place, Put put) const;
  void Describe();
  bool AnyJailed(uint64_t start, uint64_t end) const;
  bool JailRangeHolds(uint32_t address, int32_t size) const;
  void MarkChunk(uint64_t start, uint64_t end);

  GuestRegion text_, rodata_, heap_, manifest_, stack_;
  uint64_t break_ = 0;
  uint64_t heap_limit_ = 0;  // where the heap ends unless the user manifest comes first
  ManifestPlace manifest_place_;
  uint32_t generation_ = 0;
  std::array<GuestRegion, 5> regions_;
  size_t region_count_ = 0;
  bool any_jailed_ = false;
  using PageMarks = std::bitset<ZVM_WINDOW_SIZE_BYTES / ZVM_MAP_PAGE_SIZE_BYTES>;
  PageMarks jailed_;           // may be read-only or executable: no target of a read
  PageMarks continues_chunk_;  // judged in one piece with the page below it
};

}  // namespace zvm
