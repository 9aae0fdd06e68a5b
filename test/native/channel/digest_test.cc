#include "channel/digest.h"

#include <doctest/doctest.h>

#include <string>

namespace zvm {
namespace {

std::string DigestOf(DigestAlgorithm algorithm, std::string_view text) {
  Digest digest(algorithm);
  digest.Update(text.data(), text.size());
  return std::string(digest.Value().view());
}

// FIPS 180-4 examples.
TEST_CASE("known vectors") {
  CHECK(DigestOf(DigestAlgorithm::kSha1, "") == "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  CHECK(DigestOf(DigestAlgorithm::kSha1, "abc") == "a9993e364706816aba3e25717850c26c9cd0d89d");
  CHECK(DigestOf(DigestAlgorithm::kSha256, "") ==
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(DigestOf(DigestAlgorithm::kSha256, "abc") ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  const std::string million(1'000'000, 'a');
  CHECK(DigestOf(DigestAlgorithm::kSha1, million) == "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
  CHECK(DigestOf(DigestAlgorithm::kSha256, million) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("a value in between disturbs nothing, and pieces make the whole") {
  for (DigestAlgorithm algorithm : {DigestAlgorithm::kSha1, DigestAlgorithm::kSha256}) {
    Digest digest(algorithm);
    std::string text;
    for (size_t size = 0; size < 200; ++size) {
      const std::string piece(size, static_cast<char>('a' + size % 26));
      digest.Update(piece.data(), piece.size());
      text += piece;
      CHECK(digest.Value().view() == DigestOf(algorithm, text));
    }
  }
}

TEST_CASE("names") {
  CHECK(DigestName(DigestAlgorithm::kSha1) == "sha1");
  CHECK(DigestName(DigestAlgorithm::kSha256) == "sha256");
}

}  // namespace
}  // namespace zvm
