#include "sandbox/address_space.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "sandbox/exec_memory.h"
#include "sandbox/window_access.h"

namespace zvm {
namespace {

constexpr uint64_t kReservationStart = ZVM_WINDOW_BASE - ZVM_GUARD_SIZE_BYTES;
constexpr uint64_t kReservationSizeBytes = 2 * ZVM_GUARD_SIZE_BYTES + ZVM_WINDOW_SIZE_BYTES;
// A heap of this size or less is refused: existing rule, programs rely on some room.
constexpr uint64_t kHeapSizeMin = 8 << 20;
constexpr uint64_t kHardwarePage = 4096;

// Where the heap ends for a session of `memory_bytes`, before the user manifest takes its part.
uint64_t HeapEnd(int64_t memory_bytes) {
  return RoundUpMapPage(static_cast<uint64_t>(memory_bytes) - ZVM_STACK_SIZE_BYTES);
}

// Fills [start, start + size) of the window from the image. The range is inside one region.
bool CopyFromImage(int fd, uint64_t start, uint64_t size) {
  uint64_t done = 0;
  while (done < size) {
    const ssize_t got =
        pread(fd, WindowHost(start + done), size - done, static_cast<off_t>(start + done));
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got <= 0) {
      return false;
    }
    done += static_cast<uint64_t>(got);
  }
  return true;
}

Failure MapError(const char* what) { return MakeFailure(errno, "window-map-failed", what); }

}  // namespace

Failure AddressSpace::Reserve() {
  void* const at = reinterpret_cast<void*>(kReservationStart);
  // SAFETY: guards on both sides swallow every address that masked code can form; nothing of the
  // host may already be there, so the kernel must refuse instead of replacing.
  void* const got = mmap(at, kReservationSizeBytes, PROT_NONE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
  if (got == MAP_FAILED) {
    return MakeFailure(errno, "window-reserve-failed", "cannot reserve 84 GiB of address space");
  }
  // A kernel that does not know the flag takes the address as a hint.
  ZVM_CHECK(got == at);
  return {};
}

Failure AddressSpace::CheckMemory(const NexeLayout& layout, int64_t memory_bytes) {
  if (memory_bytes <= 0 || memory_bytes > static_cast<int64_t>(ZVM_WINDOW_SIZE_BYTES)) {
    return MakeFailure(ENOMEM, "memory-size-invalid", "invalid memory size");
  }
  const uint64_t break_page = RoundUpMapPage(layout.break_address);
  const bool fits = memory_bytes > static_cast<int64_t>(ZVM_STACK_SIZE_BYTES) &&
                    HeapEnd(memory_bytes) > break_page &&
                    HeapEnd(memory_bytes) - break_page > kHeapSizeMin;
  return fits ? Failure{}
              : MakeFailure(ENOMEM, "memory-heap-too-small", "user heap size is too small");
}

bool AddressSpace::ProtectWindow(uint64_t start, uint64_t end, int protection) {
  ZVM_CHECK(start <= end && end <= ZVM_WINDOW_SIZE_BYTES);
  ZVM_CHECK((protection & PROT_EXEC) == 0);
  return start == end || mprotect(WindowHost(start), end - start, protection) == 0;
}

Failure AddressSpace::Map(const PreparedImage& image, int64_t memory_bytes) {
  // SAFETY: pages of another program must not stay between those of this one.
  ZVM_CHECK(region_count_ == 0);
  const NexeLayout& layout = image.layout();
  break_ = layout.break_address;
  text_ = {ZVM_TRAMPOLINE_START, layout.text_end, kRightRead | kRightExecute};
  if (Failure failure = MapSealedText(image.fd.get(), text_.start, text_.end); failure.failed()) {
    return failure;
  }
  const uint64_t heap_start =
      layout.data.present() ? layout.data.start : RoundUpMapPage(layout.break_address);
  if (layout.rodata.present()) {
    rodata_ = {layout.rodata.start, heap_start, kRightRead};
    if (!ProtectWindow(rodata_.start, rodata_.end, PROT_READ)) {
      return MapError("cannot map rodata");
    }
    const uint64_t size =
        (layout.rodata.file_size_bytes + kHardwarePage - 1) & ~(kHardwarePage - 1);
    if (size != 0 && mmap(WindowHost(rodata_.start), size, PROT_READ, MAP_PRIVATE | MAP_FIXED,
                          image.fd.get(), static_cast<off_t>(rodata_.start)) == MAP_FAILED) {
      return MapError("cannot map rodata");
    }
  }
  // A heap that would reach the stack ends where the user manifest starts: WriteUserManifest.
  heap_limit_ = std::min<uint64_t>(HeapEnd(memory_bytes), ZVM_STACK_START);
  heap_ = {heap_start, heap_limit_, kRightRead | kRightWrite};
  manifest_ = {ZVM_STACK_START, ZVM_STACK_START, kRightRead};
  stack_ = {ZVM_STACK_START, ZVM_WINDOW_SIZE_BYTES, kRightRead | kRightWrite};
  if (!ProtectWindow(heap_.start, heap_.end, PROT_READ | PROT_WRITE) ||
      !ProtectWindow(stack_.start, stack_.end, PROT_READ | PROT_WRITE)) {
    return MapError("cannot open heap and stack");
  }
  // SAFETY: data is copied, not mapped: guest-writable memory is private and anonymous.
  if (!CopyFromImage(image.fd.get(), layout.data.start, layout.data.file_size_bytes)) {
    return MapError("cannot read the data segment");
  }
  ++generation_;
  Describe();
  return {};
}

void AddressSpace::Describe() {
  region_count_ = 0;
  for (const GuestRegion& region : {text_, rodata_, heap_, manifest_, stack_}) {
    if (region.end != region.start) {
      ZVM_CHECK(region_count_ == 0 || regions_[region_count_ - 1].end <= region.start);
      regions_[region_count_++] = region;
    }
  }
}

void AddressSpace::WriteStartInfo() {
  // {return address 0, cleanup 0, envc 0, argc 1, argv[0], ...}: an empty argument list.
  uint32_t words[14] = {};
  words[4] = 1;
  words[5] = 0xFFFFFFF0;
  std::memcpy(WindowHost(entry_stack_pointer().value), words, sizeof words);
}

bool AddressSpace::AnyJailed(uint64_t start, uint64_t end) const {
  for (uint64_t page = start / ZVM_MAP_PAGE_SIZE_BYTES;
       page <= (end - 1) / ZVM_MAP_PAGE_SIZE_BYTES; ++page) {
    if (jailed_[page]) {
      return true;
    }
  }
  return false;
}

uint8_t* AddressSpace::CheckBuffer(uint64_t address, int32_t size, GuestRight right) const {
  const uint64_t length = size > 0 ? static_cast<uint64_t>(size) : 1;
  // SAFETY: after this line address + length cannot wrap and cannot leave the window.
  if (address >= ZVM_WINDOW_SIZE_BYTES || length > ZVM_WINDOW_SIZE_BYTES - address) {
    return nullptr;
  }
  const uint64_t end = address + length;
  uint64_t at = address;
  for (const GuestRegion& region : regions()) {
    if (region.end <= at) {
      continue;
    }
    // SAFETY: the block must be covered without a hole by regions that all grant the right.
    if (region.start > at || (region.rights & right) == 0) {
      return nullptr;
    }
    if (region.end >= end) {
      const bool jailed = any_jailed_ && right == kRightWrite && AnyJailed(address, end);
      return jailed ? nullptr : WindowHost(address);
    }
    at = region.end;
  }
  return nullptr;
}

bool AddressSpace::JailRangeHolds(uint32_t address, int32_t size) const {
  // SAFETY: whole pages inside the heap, both ends: anything less validates fewer bytes than the
  // kernel makes executable, anything more reaches text, user manifest or guards.
  if (size <= 0 || size % ZVM_MAP_PAGE_SIZE_BYTES != 0 || address % ZVM_MAP_PAGE_SIZE_BYTES != 0 ||
      address < heap_.start || address >= heap_.end ||
      static_cast<uint64_t>(size) > heap_.end - address) {
    return false;
  }
  // SAFETY: no chunk is cut. What is left of one would jump into the middle of whatever is put in
  // the place of the rest, at offsets that were instruction starts only of the old code.
  const uint64_t start = address / ZVM_MAP_PAGE_SIZE_BYTES;
  const uint64_t end = start + static_cast<uint64_t>(size) / ZVM_MAP_PAGE_SIZE_BYTES;
  return !continues_chunk_[start] && !(end < continues_chunk_.size() && continues_chunk_[end]);
}

// SAFETY: called before the kernel is asked to make pages read-only or executable. Marks that
// outlive a refusal of the kernel half-way refuse too much, never too little.
void AddressSpace::MarkChunk(uint64_t start, uint64_t end) {
  any_jailed_ = true;
  for (uint64_t at = start; at < end; at += ZVM_MAP_PAGE_SIZE_BYTES) {
    jailed_.set(at / ZVM_MAP_PAGE_SIZE_BYTES);
    continues_chunk_.set(at / ZVM_MAP_PAGE_SIZE_BYTES, at != start);
  }
}

int AddressSpace::Jail(uint32_t address, int32_t size, ValidateCode validate, void* context) {
  if (!JailRangeHolds(address, size)) {
    return -EINVAL;
  }
  const uint64_t end = uint64_t{address} + static_cast<uint64_t>(size);
  MarkChunk(address, end);
  // SAFETY: no page is writable while it is judged, nor ever writable and executable.
  const bool readable = ProtectWindow(address, end, PROT_READ);
  const bool valid =
      readable && validate(context, {WindowHost(address), static_cast<size_t>(size)});
  if (valid && MakeJailed({address}, static_cast<uint64_t>(size))) {
    return 0;
  }
  // Refused: the whole range becomes ordinary memory again, also pages that were jailed before.
  const int unjailed = Unjail(address, size);
  return unjailed != 0 || valid || !readable ? -EACCES : -EPERM;
}

int AddressSpace::Unjail(uint32_t address, int32_t size) {
  if (!JailRangeHolds(address, size)) {
    return -EINVAL;
  }
  const uint64_t end = uint64_t{address} + static_cast<uint64_t>(size);
  // SAFETY: the marks stay when the kernel refuses: it may have changed a part.
  if (!ProtectWindow(address, end, PROT_READ | PROT_WRITE)) {
    return -EACCES;
  }
  for (uint64_t at = address; at < end; at += ZVM_MAP_PAGE_SIZE_BYTES) {
    jailed_.reset(at / ZVM_MAP_PAGE_SIZE_BYTES);
    continues_chunk_.reset(at / ZVM_MAP_PAGE_SIZE_BYTES);
  }
  return 0;
}

bool AddressSpace::UnjailAll() {
  if (!any_jailed_) {
    return true;
  }
  // SAFETY: one call over the whole heap, so that no mark can be wrong about a page.
  if (!ProtectWindow(heap_.start, heap_.end, PROT_READ | PROT_WRITE)) {
    return false;
  }
  jailed_.reset();
  continues_chunk_.reset();
  any_jailed_ = false;
  return true;
}

// Takes [start, end) of the window away with everything in it.
bool AddressSpace::DropWindow(uint64_t start, uint64_t end) {
  ZVM_CHECK(start < end && end <= ZVM_WINDOW_SIZE_BYTES);
  void* const at = WindowHost(start);
  // SAFETY: MAP_FIXED replaces a part of our own reservation only: checked above.
  return mmap(at, end - start, PROT_NONE,
              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == at;
}

bool AddressSpace::Clear() {
  if (!DropWindow(0, ZVM_WINDOW_SIZE_BYTES)) {
    return false;
  }
  text_ = rodata_ = heap_ = manifest_ = stack_ = {};
  manifest_place_ = {};
  jailed_.reset();
  continues_chunk_.reset();
  any_jailed_ = false;
  ++generation_;
  Describe();
  return true;
}

}  // namespace zvm
