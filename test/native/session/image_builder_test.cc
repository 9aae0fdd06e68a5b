// Laying a program out: it is compared with the session's memory before anything is written, and
// the digest names the bytes that were laid out whatever happens to the file meanwhile.
#include "session/image_builder.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "channel/digest.h"
#include "run_tool.h"

namespace zvm {
namespace {

std::vector<uint8_t> HelloBytes() {
  const UniqueFd fd(open(Guest("hello").c_str(), O_RDONLY | O_CLOEXEC));
  std::vector<uint8_t> bytes(1 << 20);
  const ssize_t size = read(fd.get(), bytes.data(), bytes.size());
  REQUIRE(size > 0);
  bytes.resize(static_cast<size_t>(size));
  return bytes;
}

// A file that somebody writes to while it is read: the byte at `offset` changes with every read
// that covers it.
class ChangingFile final : public NexeFile {
 public:
  ChangingFile(std::vector<uint8_t> bytes, uint64_t offset)
      : bytes_(std::move(bytes)), offset_(offset) {}
  uint64_t size_bytes() const override { return bytes_.size(); }
  bool ReadAt(uint64_t offset, std::span<uint8_t> out) const override {
    if (offset > bytes_.size() || out.size() > bytes_.size() - offset) {
      return false;
    }
    std::memcpy(out.data(), bytes_.data() + offset, out.size());
    reads_of_byte += offset_ >= offset && offset_ - offset < out.size();
    if (offset_ < bytes_.size() && reads_of_byte != 0) {
      bytes_[offset_] ^= 0x40;
    }
    return true;
  }
  mutable unsigned reads_of_byte = 0;

 private:
  mutable std::vector<uint8_t> bytes_;
  const uint64_t offset_;
};

std::string Sha256(const std::vector<uint8_t>& bytes) {
  Digest digest(DigestAlgorithm::kSha256);
  digest.Update(bytes.data(), bytes.size());
  return std::string(digest.Value().view());
}

struct Built {
  UniqueFd fd;
  BuildAnswer answer;
  ImageHeader header;
};

Built Build(const NexeFile& file, const PrepareOptions& options = {}) {
  Built built;
  auto fd = MakeImageFile();
  REQUIRE(fd.ok());
  built.fd = std::move(fd.value());
  BuildImage(file, built.fd.get(), options, built.answer);
  if (built.answer.built) {
    REQUIRE(pread(built.fd.get(), &built.header, sizeof built.header, 0) ==
            static_cast<ssize_t>(sizeof built.header));
  }
  return built;
}

TEST_CASE("the digest names the bytes that were laid out, also of a file that changes") {
  const std::vector<uint8_t> bytes = HelloBytes();
  const std::string text = "hello world\n";
  const auto at = static_cast<uint64_t>(
      std::search(bytes.begin(), bytes.end(), text.begin(), text.end()) - bytes.begin());
  REQUIRE(at < bytes.size());
  const ChangingFile file(bytes, at);
  const Built built = Build(file);
  REQUIRE(built.answer.built);
  CHECK(file.reads_of_byte == 1);
  CHECK(std::string(built.header.nexe_sha256_hex, 64) == Sha256(bytes));
}

TEST_CASE("a program whose headers change between two looks is refused") {
  // Program header 0: its file offset. The loader has believed the first one.
  const Built built = Build(ChangingFile(HelloBytes(), 64 + 8));
  CHECK_FALSE(built.answer.built);
  CHECK(built.answer.finished);
  CHECK(built.answer.problem.failure.code == "program-changed");
  CHECK(built.answer.problem.failure.status == EIO);
}

TEST_CASE("a program that the session's memory cannot hold is refused before it is laid out") {
  const ChangingFile file(HelloBytes(), ~uint64_t{0});
  for (const int64_t memory : {int64_t{0}, int64_t{-1}, int64_t{25165824}, int64_t{1} << 40}) {
    CAPTURE(memory);
    const Built built = Build(file, {.memory_bytes = memory});
    CHECK_FALSE(built.answer.built);
    CHECK(built.answer.problem.failure.status == ENOMEM);
    struct stat status;
    REQUIRE(fstat(built.fd.get(), &status) == 0);
    CHECK(status.st_size == 0);
    CHECK(status.st_blocks == 0);
  }
  CHECK(Build(file, {.memory_bytes = int64_t{1} << 32}).answer.built);
}

}  // namespace
}  // namespace zvm
