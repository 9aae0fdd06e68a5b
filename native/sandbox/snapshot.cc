#include "sandbox/snapshot.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/descriptor_status.h"
#include "channel/ledger.h"
#include "sandbox/window_access.h"

namespace zvm {
namespace {

constexpr int kAllSeals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
// Bits of MXCSR that every processor has; loading another one would fault in the host.
constexpr uint32_t kMxcsrBits = 0xFFFF;
// Two return addresses.
constexpr uint64_t kTrapFrameBytes = 16;

Failure Invalid(const char* text) { return MakeFailure(EINVAL, "snapshot-invalid", text); }
Failure Mismatch(const char* text) { return MakeFailure(EINVAL, "snapshot-mismatch", text); }

// Heap and stack are whole pages, so a page is inside when its first byte is.
bool Inside(const GuestRegion& region, uint64_t address) {
  return address >= region.start && address < region.end &&
         kSnapshotPageBytes <= region.end - address;
}

}  // namespace

ChannelShape ShapeOf(const ChannelTable& channels) {
  Digest digest(DigestAlgorithm::kSha256);
  for (size_t i = 0; i < channels.count(); ++i) {
    const ChannelView view = channels.view(i);
    const uint8_t kind[] = {static_cast<uint8_t>(view.type),
                            static_cast<uint8_t>(DirectionOf(view.limits)), 0};
    // An alias has no NUL, so the sequence can be read in one way only.
    digest.Update(view.alias.data(), view.alias.size());
    digest.Update("", 1);
    digest.Update(kind, sizeof kind);
  }
  ChannelShape shape;
  const DigestText text = digest.Value();
  std::copy_n(text.text, sizeof shape.sha256_hex, shape.sha256_hex);
  return shape;
}

// SAFETY: the rules of validated code rest on rsp and rbp in the window (given by their width), on
// a return to a bundle start, and the host on control words that load without a fault. Everything
// else a guest may have in its registers.
bool RegistersHold(const SnapshotRegisters& registers, const NexeLayout& layout) {
  return registers.rsp <= ZVM_WINDOW_SIZE_BYTES - kTrapFrameBytes &&
         registers.return_address % ZVM_BUNDLE_SIZE_BYTES == 0 &&
         registers.return_address >= ZVM_TEXT_START &&
         registers.return_address < layout.text_end && (registers.mxcsr & ~kMxcsrBits) == 0 &&
         std::all_of(std::begin(registers.reserved), std::end(registers.reserved),
                     [](uint16_t word) { return word == 0; });
}

Failure Snapshot::Open(UniqueFd fd) {
  Close();
  // SAFETY: what is checked below can only be used later because nobody can change it any more.
  const int seals = fcntl(fd.get(), F_GET_SEALS);
  if (seals < 0 || (seals & kAllSeals) != kAllSeals) {
    return Invalid("the snapshot is not a sealed memory file");
  }
  struct stat status;
  if (StatDescriptor(fd.get(), &status) != 0 || status.st_size < 0 ||
      static_cast<uint64_t>(status.st_size) < SnapshotSizeBytes(0) ||
      static_cast<uint64_t>(status.st_size) > kSnapshotSizeMax) {
    return Invalid("the snapshot has no possible size");
  }
  size_bytes_ = static_cast<uint64_t>(status.st_size);
  void* const got = mmap(nullptr, size_bytes_, PROT_READ, MAP_PRIVATE, fd.get(), 0);
  if (got == MAP_FAILED) {
    return MakeFailure(errno, "snapshot-map-failed", "cannot map the snapshot");
  }
  map_ = static_cast<const uint8_t*>(got);
  page_count_ = header().page_count;
  // SAFETY: the product is bounded before it is used; index and pages lie inside the file.
  if (header().magic != kSnapshotMagic || header().version != kSnapshotVersion ||
      page_count_ > kSnapshotPagesMax || SnapshotSizeBytes(page_count_) != size_bytes_) {
    Close();
    return Invalid("the snapshot was made by another version, or is none");
  }
  index_ = reinterpret_cast<const uint32_t*>(map_ + kSnapshotPageBytes);
  pages_ = map_ + SnapshotIndexEnd(page_count_);
  return {};
}

void Snapshot::Close() {
  if (map_ != nullptr) {
    munmap(const_cast<uint8_t*>(map_), size_bytes_);
  }
  map_ = pages_ = nullptr;
  index_ = nullptr;
  page_count_ = 0;
  size_bytes_ = 0;
}

Failure Snapshot::CheckFor(const PreparedImage& image, int64_t memory_bytes,
                           const ChannelShape& channels) const {
  if (std::memcmp(header().nexe_sha256_hex, image.header.nexe_sha256_hex,
                  sizeof image.header.nexe_sha256_hex) != 0) {
    return Mismatch("the snapshot is one of another program");
  }
  if (header().memory_bytes != memory_bytes) {
    return Mismatch("the snapshot was made with another size of memory");
  }
  if (!(header().channels == channels)) {
    return Mismatch("the snapshot was made with other channels");
  }
  return RegistersHold(registers(), image.layout())
             ? Failure{}
             : Invalid("no program has the registers of the snapshot");
}

Failure Snapshot::CheckPages(const GuestRegion& heap, const GuestRegion& stack) const {
  uint64_t next = 0;
  for (uint32_t i = 0; i < page_count_; ++i) {
    // SAFETY: what is laid into the window later goes to exactly these places. Not to text, the
    // user manifest or a guard, and to each of them once.
    if (address(i) < next || (!Inside(heap, address(i)) && !Inside(stack, address(i)))) {
      return Invalid("a page of the snapshot is not the program's to write");
    }
    next = address(i) + kSnapshotPageBytes;
  }
  return {};
}

void Snapshot::Install() const {
  for (uint32_t i = 0; i < page_count_; ++i) {
    std::memcpy(WindowHost(address(i)), content(i), kSnapshotPageBytes);
  }
}

Result<UniqueFd, Failure> CopySnapshotFile(int fd) {
  auto file = MakeImageFile();
  if (!file.ok()) {
    return file;
  }
  uint8_t block[kSnapshotPageBytes];
  uint64_t done = 0;
  for (ssize_t got = 0; (got = read(fd, block, sizeof block)) != 0;) {
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0 || static_cast<uint64_t>(got) > kSnapshotSizeMax - done ||
        write(file.value().get(), block, static_cast<size_t>(got)) != got) {
      return Err{Invalid("the snapshot cannot be read, or is too large")};
    }
    done += static_cast<uint64_t>(got);
  }
  if (Failure failure = SealImage(file.value().get()); failure.failed()) {
    return Err{failure};
  }
  return file;
}

}  // namespace zvm
