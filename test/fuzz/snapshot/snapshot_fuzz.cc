// Any bytes as a snapshot: what is accepted lies inside its file and belongs into memory that the
// program may write, and its registers are those of a guest. The input is header, index and a few
// pages without the padding between them, so that mutations hit what is read.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "sandbox/snapshot.h"

namespace {

using namespace zvm;

constexpr GuestRegion kHeap = {0x40000, 0x1000000, kRightRead | kRightWrite};
constexpr GuestRegion kStack = {ZVM_STACK_START, ZVM_WINDOW_SIZE_BYTES, kRightRead | kRightWrite};
constexpr uint32_t kPagesMax = 2048;

// A file with this header and whatever follows as its index; of the size that the header asks for
// when that is small.
UniqueFd MakeFile(const SnapshotHeader& header, const uint8_t* index, size_t index_size) {
  UniqueFd fd(memfd_create("snapshot", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  const uint64_t size = SnapshotSizeBytes(std::min(header.page_count, kPagesMax));
  ZVM_CHECK(ftruncate(fd.get(), static_cast<off_t>(size)) == 0);
  ZVM_CHECK(pwrite(fd.get(), &header, sizeof header, 0) == sizeof header);
  index_size = std::min<size_t>(index_size, size - kSnapshotPageBytes);
  ZVM_CHECK(pwrite(fd.get(), index, index_size, kSnapshotPageBytes) ==
            static_cast<ssize_t>(index_size));
  ZVM_CHECK(!SealImage(fd.get()).failed());
  return fd;
}

void CheckAccepted(const Snapshot& snapshot, const NexeLayout& layout) {
  volatile uint8_t seen = 0;
  for (uint32_t i = 0; i < snapshot.page_count(); ++i) {
    const uint64_t address = snapshot.address(i);
    const GuestRegion& region = address < ZVM_STACK_START ? kHeap : kStack;
    ZVM_CHECK(address % 4096 == 0 && address >= region.start && address <= region.end - 4096);
    ZVM_CHECK(i == 0 || snapshot.address(i - 1) < address);
    seen = snapshot.content(i)[0];
    seen = snapshot.content(i)[4095];
  }
  (void)seen;
  const SnapshotRegisters& registers = snapshot.registers();
  ZVM_CHECK(registers.return_address % 32 == 0 && registers.return_address < layout.text_end);
  ZVM_CHECK(registers.rsp <= 0xFFFFFFF0 && registers.mxcsr <= 0xFFFF);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  SnapshotHeader header;
  if (size < sizeof header) {
    return 0;
  }
  std::memcpy(&header, data, sizeof header);
  Snapshot snapshot;
  if (snapshot.Open(MakeFile(header, data + sizeof header, size - sizeof header)).failed()) {
    return 0;
  }
  PreparedImage image;
  image.header.layout.text_end = 0x30000;
  std::memcpy(image.header.nexe_sha256_hex, header.nexe_sha256_hex,
              sizeof header.nexe_sha256_hex);
  if (!snapshot.CheckFor(image, header.memory_bytes, header.channels).failed() &&
      !snapshot.CheckPages(kHeap, kStack).failed()) {
    CheckAccepted(snapshot, image.header.layout);
  }
  return 0;
}
