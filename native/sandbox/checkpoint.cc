#include "sandbox/checkpoint.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "sandbox/guest_context.h"
#include "sandbox/guest_run.h"
#include "sandbox/page_scan.h"
#include "sandbox/window_access.h"

namespace zvm {
namespace {

constexpr size_t kRangesMax = 256;
alignas(kSnapshotPageBytes) constexpr uint8_t kZeroPage[kSnapshotPageBytes] = {};

Failure Failed(const char* text) { return MakeFailure(EIO, "snapshot-failed", text); }

bool WriteAt(int fd, const void* data, uint64_t size, uint64_t offset) {
  const auto* bytes = static_cast<const uint8_t*>(data);
  while (size > 0) {
    const ssize_t put = pwrite(fd, bytes, size, static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) {
      continue;
    }
    if (put <= 0) {
      return false;
    }
    bytes += put;
    offset += static_cast<uint64_t>(put);
    size -= static_cast<uint64_t>(put);
  }
  return true;
}

// The guest's registers as the trap found them. False: rbp is outside of the window, which
// validated code can only reach on its last byte.
bool ReadRegisters(SnapshotRegisters* out) {
  const GuestContext& context = zvm_guest_context;
  const uint64_t rbp = context.rbp - ZVM_WINDOW_BASE;
  const uint64_t rsp = context.guest_rsp - ZVM_WINDOW_BASE;
  if (rbp >= ZVM_WINDOW_SIZE_BYTES || rsp >= ZVM_WINDOW_SIZE_BYTES) {
    return false;
  }
  *out = {.rbx = context.rbx,
          .r12 = context.r12,
          .r13 = context.r13,
          .r14 = context.r14,
          .rbp = static_cast<uint32_t>(rbp),
          .rsp = static_cast<uint32_t>(rsp),
          .return_address = static_cast<uint32_t>(context.return_address - ZVM_WINDOW_BASE),
          .mxcsr = context.guest_mxcsr,
          .fcw = context.guest_fcw};
  return true;
}

bool AnyOutput(const ChannelTable& channels) {
  for (size_t i = 0; i < channels.count(); ++i) {
    if (channels.view(i).used.writes != 0) {
      return true;
    }
  }
  return false;
}

}  // namespace

void Checkpoint::Begin(int fd, int pagemap_fd, const PreparedImage& image, int64_t memory_bytes,
                       const ChannelTable& channels, bool output_allowed) {
  fd_ = fd;
  pagemap_fd_ = pagemap_fd;
  image_ = &image;
  output_allowed_ = output_allowed;
  made_ = false;
  failure_ = {};
  header_ = {};
  header_.memory_bytes = memory_bytes;
  std::copy_n(image.header.nexe_sha256_hex, sizeof header_.nexe_sha256_hex,
              header_.nexe_sha256_hex);
  header_.channels = ShapeOf(channels);
}

Failure Checkpoint::AddPages(uint64_t start, uint64_t end) {
  const NexeSegment& data = image_->layout().data;
  for (uint64_t at = start; at < end; at += kSnapshotPageBytes) {
    const uint64_t address = at - ZVM_WINDOW_BASE;
    // A page of zeros is as a fresh session has it, where the program brings no data of its own.
    const bool has_data =
        address < data.file_end() && data.start < address + kSnapshotPageBytes;
    const bool fresh =
        !has_data && std::memcmp(WindowHost(address), kZeroPage, sizeof kZeroPage) == 0;
    if (fresh) {
      continue;
    }
    if (header_.page_count == kSnapshotPagesMax) {
      return MakeFailure(ENOMEM, "snapshot-too-large",
                         "the program has more memory than a snapshot holds");
    }
    index_[header_.page_count++] = static_cast<uint32_t>(address / kSnapshotPageBytes);
  }
  return {};
}

Failure Checkpoint::FindPagesOf(const GuestRegion& region) {
  const uint64_t end = ZVM_WINDOW_BASE + region.end;
  for (uint64_t at = ZVM_WINDOW_BASE + region.start; at < end;) {
    PageRange ranges[kRangesMax];
    PageScanResult scan;
    if (pagemap_fd_ < 0 || !ScanPages(pagemap_fd_, at, end, false, ranges, &scan)) {
      return Failed("the kernel cannot tell which pages are there");
    }
    for (const PageRange& range : std::span(ranges).first(scan.count)) {
      ZVM_CHECK(range.start >= at && range.start < range.end && range.end <= end);
      if (Failure failure = AddPages(range.start, range.end); failure.failed()) {
        return failure;
      }
    }
    at = scan.walk_end;
  }
  return {};
}

Failure Checkpoint::FindPages(const AddressSpace& space) {
  Failure failure = FindPagesOf(space.heap());
  return failure.failed() ? failure : FindPagesOf(space.stack());
}

bool Checkpoint::WritePages() const {
  uint64_t offset = SnapshotIndexEnd(header_.page_count);
  for (uint32_t i = 0; i < header_.page_count;) {
    uint32_t run = 1;
    while (i + run < header_.page_count && index_[i + run] == index_[i] + run) {
      ++run;
    }
    const uint64_t size = run * kSnapshotPageBytes;
    if (!WriteAt(fd_, WindowHost(uint64_t{index_[i]} * kSnapshotPageBytes), size, offset)) {
      return false;
    }
    offset += size;
    i += run;
  }
  return true;
}

Failure Checkpoint::Write(const GuestRun& run) {
  if (!output_allowed_ && AnyOutput(*run.channels)) {
    return MakeFailure(EINVAL, "snapshot-after-output",
                       "the program has written before its checkpoint");
  }
  if (run.space->any_jailed()) {
    return MakeFailure(EINVAL, "snapshot-jailed-code", "the program has jailed code");
  }
  if (!ReadRegisters(&header_.registers) ||
      !RegistersHold(header_.registers, image_->layout())) {
    return MakeFailure(EINVAL, "snapshot-registers", "the registers cannot be kept");
  }
  if (Failure failure = FindPages(*run.space); failure.failed()) {
    return failure;
  }
  const uint64_t index_size = header_.page_count * sizeof index_[0];
  const uint64_t size = SnapshotSizeBytes(header_.page_count);
  // Between header, index and pages the file stays as the kernel made it: zeros.
  if (ftruncate(fd_, static_cast<off_t>(size)) != 0 ||
      !WriteAt(fd_, &header_, sizeof header_, 0) ||
      !WriteAt(fd_, index_.data(), index_size, kSnapshotPageBytes) || !WritePages()) {
    return Failed("the snapshot cannot be written");
  }
  return {};
}

void Checkpoint::Take(const GuestRun& run) {
  ZVM_CHECK(image_ != nullptr && !made_);
  failure_ = Write(run);
  made_ = !failure_.failed();
}

}  // namespace zvm
