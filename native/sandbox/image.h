// The prepared image: a program laid out for mapping, in a memfd that is sealed for ever. File
// offset = guest address; the first 64 KiB, which no guest can see, hold the header. Made by
// session/prepare in a locked-down process; mapped by address_space. Format: docs/abi.md §1.6.
#pragma once

#include <cstdint>
#include <span>

#include "base/failure.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "loader/elf_image.h"
#include "validator/validator.h"

namespace zvm {

inline constexpr uint64_t kImageMagic = 0x31'47'4D'49'4D'56'5A'00;  // "\0ZVMIMG1"
// Raised whenever the header, the trampolines or what the validator accepts change.
inline constexpr uint32_t kImageVersion = 2;

// Bits of ImageHeader::refused: rules beyond the profile that the text was judged with.
inline constexpr uint32_t kImageRefusedRdtsc = 1;
inline constexpr uint32_t kImageRefusedCpuid = 2;
inline constexpr uint32_t kImageRefusedNonTemporal = 4;

// Plain data, no padding that matters: written and read as bytes on one host.
struct ImageHeader {
  uint64_t magic = kImageMagic;
  uint32_t version = kImageVersion;
  uint32_t profile_needed = 0;  // Profile
  uint32_t features = 0;  // CpuFeatures that the text may use
  uint32_t refused = 0;   // kImageRefused*
  NexeLayout layout;
  char nexe_sha256_hex[64] = {};
};

struct PreparedImage {
  UniqueFd fd;
  ImageHeader header;

  const NexeLayout& layout() const { return header.layout; }
  Profile profile_needed() const { return static_cast<Profile>(header.profile_needed); }
};

// Bytes of an image file: the end of the last byte that comes from the program, in whole pages.
uint64_t ImageSizeBytes(const NexeLayout& layout);

// A new, empty, sealable memfd that may be mapped executable.
[[nodiscard]] Result<UniqueFd, Failure> MakeImageFile();

// Writes the trampolines, 64 KiB, to `out` (guest addresses 0x10000 up).
void WriteTrampolines(std::span<uint8_t> out);

// Seals against writing, growing, shrinking and unsealing. No writable mapping may exist.
[[nodiscard]] Failure SealImage(int fd);

// Writes into `header` under which rules its text was judged.
void StampPolicy(const ValidatorPolicy& policy, ImageHeader& header);

// The text must have been judged at least as strictly as `policy` asks, else "profile-refused" or
// "policy-refused" (8).
[[nodiscard]] Failure CheckImagePolicy(const ImageHeader& header, const ValidatorPolicy& policy);

// Takes over an image that another process made: the seals must all be there, the header must be
// ours, its layout must satisfy the invariants of NexeLayout (else "image-invalid", 22), and
// CheckImagePolicy must hold. The text itself is not validated again: its maker must be trusted,
// the seals keep it as that one left it.
[[nodiscard]] Result<PreparedImage, Failure> AdoptImage(UniqueFd fd, const ValidatorPolicy& policy);

}  // namespace zvm
