// Running digests of what a channel moved (etags) and of guest memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace zvm {

enum class DigestAlgorithm : uint8_t { kSha1, kSha256 };

// Lower-case hexadecimal text of a digest: 40 or 64 characters, or none.
struct DigestText {
  char text[64] = {};
  uint8_t size = 0;
  std::string_view view() const { return {text, size}; }
};

// "sha1" or "sha256".
std::string_view DigestName(DigestAlgorithm algorithm);

// One running digest. Never allocates. Value() does not disturb the running state.
class Digest {
 public:
  explicit Digest(DigestAlgorithm algorithm);
  void Update(const void* data, size_t size_bytes);
  DigestText Value() const;

 private:
  DigestAlgorithm algorithm_;
  alignas(64) unsigned char state_[256];
};

}  // namespace zvm
