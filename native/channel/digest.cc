// Digests through Nettle, which picks the SHA instructions of the CPU at program start: no set-up
// cost per digest and nothing to allocate.
#include "channel/digest.h"

#include <nettle/sha1.h>
#include <nettle/sha2.h>

#include <cstring>
#include <new>

#include "base/check.h"

namespace zvm {
namespace {

DigestText MakeHex(const uint8_t* bytes, size_t size) {
  static constexpr char kDigits[] = "0123456789abcdef";
  DigestText text;
  ZVM_CHECK(2 * size <= sizeof text.text);
  for (size_t i = 0; i < size; ++i) {
    text.text[2 * i] = kDigits[bytes[i] >> 4];
    text.text[2 * i + 1] = kDigits[bytes[i] & 15];
  }
  text.size = static_cast<uint8_t>(2 * size);
  return text;
}

template <class Context>
Context* As(unsigned char* state) {
  return std::launder(reinterpret_cast<Context*>(state));
}

// Works on a copy: finishing a digest destroys its context.
template <class Context>
Context Copy(const unsigned char* state) {
  Context context;
  memcpy(&context, state, sizeof context);
  return context;
}

}  // namespace

std::string_view DigestName(DigestAlgorithm algorithm) {
  return algorithm == DigestAlgorithm::kSha1 ? "sha1" : "sha256";
}

Digest::Digest(DigestAlgorithm algorithm) : algorithm_(algorithm) {
  static_assert(sizeof(sha1_ctx) <= sizeof state_ && sizeof(sha256_ctx) <= sizeof state_);
  static_assert(alignof(sha1_ctx) <= 64 && alignof(sha256_ctx) <= 64);
  if (algorithm_ == DigestAlgorithm::kSha1) {
    sha1_init(new (state_) sha1_ctx);
  } else {
    sha256_init(new (state_) sha256_ctx);
  }
}

void Digest::Update(const void* data, size_t size_bytes) {
  const auto* bytes = static_cast<const uint8_t*>(data);
  if (algorithm_ == DigestAlgorithm::kSha1) {
    sha1_update(As<sha1_ctx>(state_), size_bytes, bytes);
  } else {
    sha256_update(As<sha256_ctx>(state_), size_bytes, bytes);
  }
}

DigestText Digest::Value() const {
  uint8_t bytes[SHA256_DIGEST_SIZE];
  if (algorithm_ == DigestAlgorithm::kSha1) {
    sha1_ctx context = Copy<sha1_ctx>(state_);
    sha1_digest(&context, SHA1_DIGEST_SIZE, bytes);
    return MakeHex(bytes, SHA1_DIGEST_SIZE);
  }
  sha256_ctx context = Copy<sha256_ctx>(state_);
  sha256_digest(&context, SHA256_DIGEST_SIZE, bytes);
  return MakeHex(bytes, SHA256_DIGEST_SIZE);
}

}  // namespace zvm
