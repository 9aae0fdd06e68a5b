// Paths that stand for descriptors, and passed descriptors of regular files: used as they are.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "fixture.h"

namespace zvm::test {
namespace {

int Memory(std::string_view content, off_t offset) {
  const int fd = memfd_create("zvm-test", MFD_CLOEXEC);
  REQUIRE(write(fd, content.data(), content.size()) == static_cast<ssize_t>(content.size()));
  REQUIRE(lseek(fd, offset, SEEK_SET) == offset);
  return fd;
}

std::string ContentOf(int fd) {
  char bytes[256];
  const ssize_t size = pread(fd, bytes, sizeof bytes, 0);
  REQUIRE(size >= 0);
  return std::string(bytes, static_cast<size_t>(size));
}

std::string PathOf(const char* folder, int fd) { return folder + std::to_string(fd); }

TEST_CASE("a path of a descriptor goes on where the descriptor stands") {
  for (const char* folder : {"/dev/fd/", "/proc/self/fd/"}) {
    const int fd = Memory("header.", 7);
    {
      OpenTable open({Spec("a", {PathSource(PathOf(folder, fd))}, 0, kWriteOnly),
                      Spec("b", {PathSource(PathOf(folder, fd))}, 0, kWriteOnly)});
      REQUIRE_FALSE(open.opened().failed());
      CHECK(ContentOf(fd) == "header.");  // neither emptied nor reserved
      CHECK(open.Write("a", "one.") == 4);
      CHECK(open.Write("b", "two.") == 4);  // behind the other, as with 2>&1
      CHECK(open.Write("a", "three.") == 6);
    }
    CHECK(ContentOf(fd) == "header.one.two.three.");
    REQUIRE(write(fd, "report", 6) == 6);  // a report on the same descriptor comes after
    CHECK(ContentOf(fd) == "header.one.two.three.report");
    close(fd);
  }
}

TEST_CASE("descriptors that a path names must be open and fit") {
  OpenTable missing({Spec("x", {PathSource("/dev/fd/987654")}, 0, kReadOnly)});
  CHECK(missing.opened().status == EFAULT);
  OpenTable overflow({Spec("x", {PathSource("/dev/fd/99999999999")}, 0, kReadOnly)});
  CHECK(overflow.opened().status == EFAULT);
  const int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
  OpenTable mode({Spec("x", {PathSource(PathOf("/dev/fd/", fd))}, 0, kWriteOnly)});
  CHECK(mode.opened().status == EBADF);
  close(fd);
}

TEST_CASE("standard channels of the process, of any kind") {
  const int saved = dup(1);
  const int fd = Memory("", 0);
  REQUIRE(dup2(fd, 1) == 1);
  {
    OpenTable open({Spec("/dev/stdout", {PathSource("/dev/stdout")}, 0, kWriteOnly)});
    dup2(saved, 1);  // the channel has its own descriptor
    REQUIRE_FALSE(open.opened().failed());
    CHECK(open.Write("/dev/stdout", "hello") == 5);
  }
  CHECK(ContentOf(fd) == "hello");
  close(saved);
  close(fd);
}

TEST_CASE("passed files: sequential use starts at the offset") {
  const int fd = Memory("skip:data", 5);
  OpenTable open({Spec("in", {DescriptorSource(dup(fd))}, 0, kReadOnly)});
  CHECK(open.Read("in", 20) == 4);
  CHECK(open.bytes() == "data");
  close(fd);
}

TEST_CASE("passed files: positions start at the offset") {
  const int fd = Memory("skip:0123456789", 5);
  OpenTable open({Spec("in", {DescriptorSource(dup(fd))}, 1, kReadOnly)});
  CHECK(open.View("in").start_size_bytes == 10);
  CHECK(open.Read("in", 20, 7) == 3);
  CHECK(open.bytes() == "789");
  CHECK(open.Read("in", 1, 11) == -EFAULT);
  close(fd);
}

TEST_CASE("passed files keep what they have") {
  const int fd = Memory("0123456789", 0);
  {
    OpenTable open({Spec("out", {DescriptorSource(dup(fd))}, 2, kWriteOnly)});
    CHECK(open.Write("out", "ab", 4) == 2);
  }
  CHECK(ContentOf(fd) == "0123ab6789");
  {
    OpenTable open({Spec("log", {DescriptorSource(dup(fd))}, 1, kReadWrite)});
    CHECK(open.Write("log", "+") == 1);
    CHECK(open.Read("log", 20, 8) == 3);
  }
  CHECK(ContentOf(fd) == "0123ab6789+");
  close(fd);
}

TEST_CASE("positions and O_APPEND do not go together, sequences do") {
  TempFolder folder;
  const std::string path = folder.File("log", "old.");
  const auto descriptor = [&] { return ::open(path.c_str(), O_RDWR | O_APPEND | O_CLOEXEC); };
  OpenTable random({Spec("x", {DescriptorSource(descriptor())}, 2, kWriteOnly)});
  CHECK(random.opened().status == EINVAL);
  CHECK(random.opened().code == "channel-descriptor-appends");
  {
    OpenTable open({Spec("x", {DescriptorSource(descriptor())}, 0, kWriteOnly)});
    CHECK(open.Write("x", "new.") == 4);
  }
  CHECK(Content(path) == "old.new.");
}

TEST_CASE("the last positions of a passed file do not wrap") {
  const int fd = Memory("x", 1);
  REQUIRE(lseek(fd, 1000, SEEK_SET) == 1000);
  OpenTable open({Spec("out", {DescriptorSource(fd)}, 2, {0, 0, 9, kHuge})});
  const uint8_t byte = 0;
  CHECK(open.table().Write(open.Number("out"), &byte, 1, kHuge - 999).status == IoStatus::kFailed);
  CHECK(open.table().failure().code == "channel-write-failed");
}

}  // namespace
}  // namespace zvm::test
