// Opening and closing: what is created, emptied, reserved, cut and removed again.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "fixture.h"

namespace zvm::test {
namespace {

TEST_CASE("a file that cannot be made: the classic status, or the cause") {
  const ChannelSpec spec = Spec("x", {PathSource("/none/at/all")}, 0, kWriteOnly);
  OpenTable classic({spec});
  CHECK(classic.opened().status == EBADF);
  CHECK(classic.opened().code == "channel-open-failed");
  OpenTable plain({spec}, {.preallocate = false});
  CHECK(plain.opened().status == ENOENT);
  CHECK(plain.opened().message().find("/none") == std::string_view::npos);
  ChannelSpec both = spec;
  both.limits = kReadWrite;
  both.type = ZVM_CHANNEL_RANDOM;
  CHECK(OpenTable({both}).opened().status == ENOENT);
}

TEST_CASE("new files are private, reserved to their limit and cut at the end") {
  TempFolder folder;
  const std::string path = folder.Path("out");
  {
    OpenTable open({Spec("out", {PathSource(path)}, 0, {0, 0, 9, int64_t{5} << 30})});
    struct stat status;
    REQUIRE(stat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
    CHECK(status.st_size == int64_t{5} << 30);
    CHECK(open.Write("out", "kept") == 4);
  }  // the destructor closes too
  CHECK(Content(path) == "kept");
}

TEST_CASE("without reservation nothing is extended") {
  TempFolder folder;
  OpenTable open({Spec("a", {PathSource(folder.Path("a"))}, 0, kWriteOnly),
                  Spec("b", {PathSource(folder.Path("b"))}, 3, kReadWrite)},
                 {.preallocate = false});
  CHECK(SizeOf(folder.Path("a")) == 0);
  CHECK(SizeOf(folder.Path("b")) == 0);
}

TEST_CASE("a limit that no file can have is refused, and leaves nothing") {
  TempFolder folder;
  rlimit saved, small;
  REQUIRE(getrlimit(RLIMIT_FSIZE, &saved) == 0);
  small = saved;
  small.rlim_cur = 1 << 20;
  signal(SIGXFSZ, SIG_IGN);
  REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
  const std::string old = folder.File("old", "old");
  OpenTable open({Spec("a", {PathSource(folder.Path("new"))}, 0, kWriteOnly),
                  Spec("b", {PathSource(folder.Path("rw"))}, 3, kReadWrite),
                  Spec("c", {PathSource(old)}, 0, {0, 0, 1, kHuge})});
  REQUIRE(setrlimit(RLIMIT_FSIZE, &saved) == 0);
  signal(SIGXFSZ, SIG_DFL);
  CHECK(open.opened().status == EFBIG);
  CHECK(open.opened().code == "channel-preallocation-failed");
  CHECK_FALSE(Exists(folder.Path("new")));
  CHECK_FALSE(Exists(folder.Path("rw")));
}

TEST_CASE("a failed opening removes what it made and leaves what was there") {
  TempFolder folder;
  const std::string old = folder.File("old", "precious");
  const int before = OpenDescriptorCount();
  {
    OpenTable open({Spec("a", {PathSource(folder.Path("new"))}, 0, kWriteOnly),
                    Spec("b", {PathSource(old)}, 0, kWriteOnly),
                    Spec("c", {DescriptorSource(dup(0))}, 0, kReadOnly),
                    Spec("z", {PathSource("/none/at/all")}, 0, kWriteOnly)});
    CHECK(open.opened().failed());
    CHECK(open.table().count() == 7);
    CHECK(open.table().descriptors().empty());
    CHECK(OpenDescriptorCount() == before);
  }
  CHECK_FALSE(Exists(folder.Path("new")));
  CHECK(Content(old) == "precious");
}

TEST_CASE("existing files for writing are emptied") {
  TempFolder folder;
  const std::string old = folder.File("old", "a long old content");
  OpenTable open({Spec("out", {PathSource(old)}, 2, kWriteOnly)});
  CHECK(open.View("out").start_size_bytes == 0);
  CHECK(open.Write("out", "b", 2) == 1);
  open.table().Close();
  CHECK(Content(old) == std::string("\0\0b", 3));
}

TEST_CASE("links are followed, also to what does not exist yet") {
  TempFolder folder;
  const std::string target = folder.File("target", "t");
  REQUIRE(symlink("target", folder.Path("link").c_str()) == 0);
  REQUIRE(symlink("made", folder.Path("hop").c_str()) == 0);
  REQUIRE(symlink(folder.Path("hop").c_str(), folder.Path("dangling").c_str()) == 0);
  REQUIRE(symlink("loop", folder.Path("loop").c_str()) == 0);
  {
    OpenTable open({Spec("in", {PathSource(folder.Path("link"))}, 0, kReadOnly),
                    Spec("out", {PathSource(folder.Path("dangling"))}, 0, kWriteOnly)});
    REQUIRE_FALSE(open.opened().failed());
    CHECK(open.Read("in", 5) == 1);
    CHECK(open.Write("out", "made") == 4);
  }
  CHECK(Content(folder.Path("made")) == "made");
  OpenTable loop({Spec("x", {PathSource(folder.Path("loop"))}, 0, kWriteOnly)},
                 {.preallocate = false});
  CHECK(loop.opened().status == ELOOP);
  // A failure removes the made target, not the link.
  unlink(folder.Path("made").c_str());
  OpenTable failed({Spec("a", {PathSource(folder.Path("dangling"))}, 0, kWriteOnly),
                    Spec("z", {PathSource("/none/at/all")}, 0, kWriteOnly)});
  CHECK(failed.opened().failed());
  CHECK_FALSE(Exists(folder.Path("made")));
  CHECK(Exists(folder.Path("hop")));
}

TEST_CASE("what changed between check and open is judged again") {
  TempFolder folder;
  const auto open_after = [&](ChannelLimits limits, auto change) {
    const std::string path = folder.File("swapped", "x");
    ChannelTable table;
    StopRequest stop;
    REQUIRE_FALSE(table.Check(WithStandard({Spec("x", {PathSource(path)}, 3, limits)})).failed());
    unlink(path.c_str());
    change(path);
    const Failure failure = table.Open({}, stop);
    remove(path.c_str());
    return failure;
  };
  const auto make_folder = [](const std::string& path) { mkdir(path.c_str(), 0700); };
  const auto make_fifo = [](const std::string& path) { mkfifo(path.c_str(), 0600); };
  const auto make_nothing = [](const std::string&) {};
  CHECK(open_after(kReadOnly, make_folder).status == EPROTONOSUPPORT);
  CHECK(open_after(kWriteOnly, make_folder).status == EPROTONOSUPPORT);
  CHECK(open_after(kReadWrite, make_folder).status == EPROTONOSUPPORT);
  CHECK(open_after(kReadWrite, make_fifo).status == EINVAL);
  CHECK(open_after(kReadOnly, make_nothing).status == EFAULT);
  CHECK_FALSE(open_after(kWriteOnly, make_nothing).failed());
}

TEST_CASE("start sizes as the guest sees them") {
  TempFolder folder;
  const std::string path = folder.File("f", "12345");
  for (int type = 0; type < 4; ++type) {
    OpenTable open({Spec("f", {PathSource(path)}, type, kReadOnly),
                    Spec("d", {DescriptorSource(::open(path.c_str(), O_RDONLY))}, type, kReadOnly),
                    Spec("w", {PathSource(folder.Path("w"))}, type, kWriteOnly)});
    CHECK(open.View("f").start_size_bytes == (type == 0 ? 0 : 5));
    CHECK(open.View("d").start_size_bytes == (type == 0 ? 0 : 5));
    CHECK(open.View("w").start_size_bytes == 0);
  }
}

TEST_CASE("many channels; no descriptor is lost") {
  const int before = OpenDescriptorCount();
  std::vector<ChannelSpec> specs = WithStandard({});
  while (specs.size() < 10914) {
    specs.push_back(
        Spec("c" + std::to_string(specs.size()), {PathSource("/dev/zero")}, 0, kReadOnly));
  }
  ChannelTable table;
  StopRequest stop;
  REQUIRE_FALSE(table.Check(std::move(specs)).failed());
  const Failure failure = table.Open({}, stop);
  rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_max < 11'000) {
    CHECK(failure.code == "channel-open-failed");
  } else {
    REQUIRE_FALSE(failure.failed());
    const std::span<const int> descriptors = table.descriptors();
    CHECK(descriptors.size() == 10914);
    CHECK(std::is_sorted(descriptors.begin(), descriptors.end()));
    uint8_t byte = 1;
    CHECK(table.Read(10913, &byte, 1, 0).value == 1);
    CHECK(table.Read(10914, &byte, 1, 0).value == -EINVAL);
  }
  table.Close();
  CHECK(OpenDescriptorCount() == before);
}

TEST_CASE("a file nobody wrote keeps its times") {
  TempFolder folder;
  const std::string path = folder.File("f", "12345");
  const timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
  REQUIRE(utimensat(AT_FDCWD, path.c_str(), old, 0) == 0);
  OpenTable open({Spec("f", {PathSource(path)}, 3, kReadWrite)});
  open.table().Close();
  struct stat status;
  REQUIRE(stat(path.c_str(), &status) == 0);
  CHECK(status.st_mtim.tv_sec == 1000);
}

}  // namespace
}  // namespace zvm::test
