#include "sandbox/image.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "base/descriptor_status.h"
#include "base/guest_addr.h"
#include "sandbox/exec_memory.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U  // Linux 6.3; older headers lack it
#endif

namespace zvm {
namespace {

constexpr uint64_t kHardwarePage = 4096;
constexpr int kAllSeals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;

Err<Failure> Refuse(const char* text) { return Err{MakeFailure(EINVAL, "image-invalid", text)}; }

// The part of a segment that comes from the file must lie where the layout says.
bool SegmentHolds(const NexeSegment& segment) {
  return segment.memory_size_bytes <= ZVM_WINDOW_SIZE_BYTES &&
         segment.file_size_bytes <= segment.memory_size_bytes &&
         segment.end() <= ZVM_STACK_START;
}

// SAFETY: the invariants of NexeLayout, checked again: mapping trusts nothing but this.
bool LayoutHolds(const NexeLayout& layout) {
  for (const NexeSegment* segment : {&layout.rodata, &layout.data}) {
    if (!SegmentHolds(*segment) ||
        (segment->present() && (segment->start % ZVM_MAP_PAGE_SIZE_BYTES != 0 ||
                                segment->start < layout.text_end ||
                                segment->end() > layout.break_address))) {
      return false;
    }
  }
  const uint64_t text_end = layout.text_end;
  return layout.text.start == ZVM_TEXT_START && text_end % ZVM_MAP_PAGE_SIZE_BYTES == 0 &&
         text_end > ZVM_TEXT_START && text_end <= ZVM_STACK_START &&
         layout.text.file_size_bytes <= text_end - ZVM_TEXT_START - ZVM_HALT_SLED_SIZE_BYTES &&
         layout.entry % ZVM_BUNDLE_SIZE_BYTES == 0 && layout.entry >= ZVM_TEXT_START &&
         layout.entry < text_end && layout.break_address >= text_end &&
         layout.break_address <= ZVM_STACK_START &&
         (!layout.rodata.present() || !layout.data.present() ||
          layout.rodata.end() <= layout.data.start);
}

// SAFETY: reports show these bytes as they are; quotes or line feeds would forge the rest.
bool IsHexDigest(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == text.npos;
}

uint32_t RefusedBits(const ValidatorPolicy& policy) {
  return (policy.refuse_rdtsc ? kImageRefusedRdtsc : 0u) |
         (policy.refuse_cpuid ? kImageRefusedCpuid : 0u) |
         (policy.refuse_non_temporal ? kImageRefusedNonTemporal : 0u);
}

}  // namespace

void StampPolicy(const ValidatorPolicy& policy, ImageHeader& header) {
  header.features = policy.features.bits();
  header.refused = RefusedBits(policy);
}

// SAFETY: a verdict holds for the rules it was given under and for weaker ones.
Failure CheckImagePolicy(const ImageHeader& header, const ValidatorPolicy& policy) {
  if (header.profile_needed > static_cast<uint32_t>(policy.profile)) {
    return MakeFailure(ENOEXEC, "profile-refused", "the program needs profile zvm");
  }
  if ((RefusedBits(policy) & ~header.refused) != 0 ||
      (header.features & ~policy.features.bits()) != 0) {
    return MakeFailure(ENOEXEC, "policy-refused",
                       "the image was judged under weaker rules than this session asks for");
  }
  return {};
}

uint64_t ImageSizeBytes(const NexeLayout& layout) {
  const uint64_t end =
      std::max({layout.text_end, layout.rodata.present() ? layout.rodata.file_end() : 0,
                layout.data.present() ? layout.data.file_end() : 0});
  return (end + kHardwarePage - 1) & ~(kHardwarePage - 1);
}

Result<UniqueFd, Failure> MakeImageFile() {
  int fd = memfd_create("zvm-image", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
  if (fd < 0 && errno == EINVAL) {
    fd = memfd_create("zvm-image", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  }
  if (fd < 0) {
    return Err{MakeFailure(errno, "image-create-failed", "cannot create a memory file")};
  }
  return UniqueFd(fd);
}

void WriteTrampolines(std::span<uint8_t> out) {
  constexpr size_t kSize = ZVM_TRAMPOLINE_END - ZVM_TRAMPOLINE_START;
  ZVM_CHECK(out.size() == kSize);
  std::memset(out.data(), ZVM_HALT_BYTE, kSize);
  // The last slot stays all halts: existing layout, part of the memory digest.
  for (size_t slot = 0; slot + ZVM_BUNDLE_SIZE_BYTES < kSize; slot += ZVM_BUNDLE_SIZE_BYTES) {
    uint8_t* const code = out.data() + slot;
    code[0] = 0x48;  // movabs $thunk, %rax
    code[1] = 0xB8;
    std::memcpy(code + 2, &kThunkAddress, sizeof kThunkAddress);
    code[10] = 0xFF;  // call *%rax
    code[11] = 0xD0;
  }
}

Failure SealImage(int fd) {
  if (fcntl(fd, F_ADD_SEALS, kAllSeals) != 0) {
    return MakeFailure(errno, "image-seal-failed", "cannot seal the image");
  }
  return {};
}

Result<PreparedImage, Failure> AdoptImage(UniqueFd fd, const ValidatorPolicy& policy) {
  // SAFETY: without all seals somebody could still change validated text.
  if (fcntl(fd.get(), F_GET_SEALS) != kAllSeals) {
    return Refuse("the image is not a sealed memory file");
  }
  PreparedImage image;
  if (pread(fd.get(), &image.header, sizeof image.header, 0) !=
      static_cast<ssize_t>(sizeof image.header)) {
    return Refuse("the image has no header");
  }
  if (image.header.magic != kImageMagic || image.header.version != kImageVersion ||
      image.header.profile_needed > static_cast<uint32_t>(Profile::kZvm)) {
    return Refuse("the image was made by another version");
  }
  if (!IsHexDigest({image.header.nexe_sha256_hex, sizeof image.header.nexe_sha256_hex})) {
    return Refuse("the digest of the image is none");
  }
  struct stat status;
  if (!LayoutHolds(image.layout()) || StatDescriptor(fd.get(), &status) != 0 ||
      static_cast<uint64_t>(status.st_size) != ImageSizeBytes(image.layout())) {
    return Refuse("the layout of the image is broken");
  }
  if (Failure failure = CheckImagePolicy(image.header, policy); failure.failed()) {
    return Err{failure};
  }
  image.fd = std::move(fd);
  return image;
}

}  // namespace zvm
