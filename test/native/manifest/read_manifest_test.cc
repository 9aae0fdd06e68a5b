// Files, pipes and devices as manifests: the status of each way to be unreadable.
#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "base/unique_fd.h"
#include "manifest/manifest.h"

namespace zvm {
namespace {

// A file that is gone at the end of the test.
class ScratchFile {
 public:
  explicit ScratchFile(std::string_view text) {
    const UniqueFd fd(mkstemp(path_));
    REQUIRE(fd.valid());
    REQUIRE(write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  ~ScratchFile() { unlink(path_); }
  const char* path() const { return path_; }

 private:
  char path_[32] = "manifest_test.XXXXXX";
};

constexpr std::string_view kGood =
    "Version = 20130611\nProgram = good.nexe\nMemory = 33554432, 0\nTimeout = 1\n";

std::string StatusAndCode(const char* path) {
  const auto result = ReadManifest(path, ManifestMode::kStrict);
  if (result.ok()) {
    return "ok";
  }
  return std::to_string(result.error().status) + " " + std::string(result.error().code);
}

TEST_CASE("a regular file") {
  CHECK(StatusAndCode(ScratchFile(kGood).path()) == "ok");
  CHECK(StatusAndCode("no_such_manifest") == "2 manifest-open-failed");
  CHECK(StatusAndCode(ScratchFile("").path()) == "5 manifest-empty");
  CHECK(StatusAndCode(".") == "5 manifest-read-failed");
}

TEST_CASE("files around the size limit") {
  std::string text(kGood);
  text.resize(kManifestSizeMax, ' ');
  CHECK(StatusAndCode(ScratchFile(text).path()) == "ok");
  CHECK(StatusAndCode(ScratchFile(text + ' ').path()) == "14 manifest-too-large");
}

TEST_CASE("devices: an endless one is cut off, an empty one is empty") {
  CHECK(StatusAndCode("/dev/zero") == "14 manifest-too-large");
  CHECK(StatusAndCode("/dev/null") == "5 manifest-empty");
}

TEST_CASE("a pipe is read until it closes") {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  REQUIRE(write(writer.get(), kGood.data(), kGood.size()) == static_cast<ssize_t>(kGood.size()));
  writer.Reset();
  CHECK(StatusAndCode(("/proc/self/fd/" + std::to_string(reader.get())).c_str()) == "ok");
}

}  // namespace
}  // namespace zvm
