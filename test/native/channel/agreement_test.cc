// Channels with several sources: reads need two that agree.
#include "channel/agreement.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "fixture.h"

namespace zvm::test {
namespace {

struct Reader {
  TempFolder folder;
  std::vector<ChannelSource> sources;

  Reader& Add(std::string_view content) {
    const std::string name = "s" + std::to_string(sources.size());
    sources.push_back(PathSource(folder.File(name, content)));
    return *this;
  }
  // The content through a pipe: cannot be read twice or skipped.
  Reader& AddStream(std::string_view content) {
    int ends[2];
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    REQUIRE(fcntl(ends[1], F_SETPIPE_SZ, 1 << 20) > 0);
    REQUIRE(write(ends[1], content.data(), content.size()) ==
            static_cast<ssize_t>(content.size()));
    close(ends[1]);
    sources.push_back(DescriptorSource(ends[0]));
    return *this;
  }
  // A source that fails at its first read.
  Reader& AddBroken() {
    sources.push_back(PathSource("/proc/self/mem"));
    return *this;
  }
  ChannelSpec Done(int type = 0) { return Spec("in", sources, type, kReadOnly); }
};

IoResult ReadOnce(OpenTable& open, int32_t size) {
  std::vector<uint8_t> buffer(static_cast<size_t>(size));
  return open.table().Read(open.Number("in"), buffer.data(), size, 0);
}

void CheckFails(ChannelSpec spec, int status) {
  OpenTable open({std::move(spec)});
  REQUIRE_FALSE(open.opened().failed());
  CHECK(ReadOnce(open, 100).status == IoStatus::kFailed);
  CHECK(open.table().failure().status == status);
  CHECK(open.table().failure().code == "channel-read-failed");
}

TEST_CASE("two of three agree") {
  Reader reader;
  OpenTable open({reader.Add("wrong").Add("right").Add("right").Done()});
  CHECK(open.Read("in", 100) == 5);
  CHECK(open.bytes() == "right");
  CHECK(open.Read("in", 100) == 0);
}

TEST_CASE("two that agree are enough: the third is not asked") {
  Reader reader;
  OpenTable open({reader.Add("same").Add("same").Add("other").Done()});
  CHECK(open.Read("in", 4) == 4);
  CHECK(open.table().accounting().local_reads == 2);
  CHECK(open.table().accounting().local_read_bytes == 8);
}

TEST_CASE("the end is voted on: a source that lost its tail is outvoted") {
  Reader reader;
  OpenTable open({reader.Add("abc").Add("abcdef").Add("abcdef").Done()});
  CHECK(open.Read("in", 3) == 3);
  CHECK(open.Read("in", 3) == 3);
  CHECK(open.bytes() == "def");
  CHECK(open.Read("in", 3) == 0);
}

TEST_CASE("without two that agree the session fails") {
  CheckFails(Reader().Add("a").Add("b").Done(), EIO);
  CheckFails(Reader().Add("same").Add("same but longer").Done(), EIO);
  CheckFails(Reader().Add("a").AddBroken().Done(), EIO);
  CheckFails(Reader().AddBroken().AddBroken().Done(), EIO);
}

TEST_CASE("a broken source is left out") {
  Reader reader;
  OpenTable open({reader.AddBroken().Add("good").Add("good").Done()});
  CHECK(open.Read("in", 100) == 4);
}

TEST_CASE("streams that were not asked are brought forward when they are") {
  const std::string head(100'000, 'h');
  Reader reader;
  reader.AddStream(head + "tail").AddStream(head + "liar").AddStream(head + "tail");
  OpenTable open({reader.Done()});
  CHECK(open.Read("in", 100'004) == 100'004);
  CHECK(open.bytes() == head + "tail");
  CHECK(open.Read("in", 1) == 0);
}

TEST_CASE("a stream that ended before is out of sync") {
  Reader reader;
  reader.AddStream("0123456789A").AddStream("0123456789B").AddStream("01234");
  OpenTable open({reader.Done()});
  CHECK(open.Read("in", 10) == 10);
  CHECK(ReadOnce(open, 1).status == IoStatus::kFailed);
  CHECK(open.table().failure().status == EPIPE);
}

TEST_CASE("random channels agree at positions") {
  Reader reader;
  OpenTable open({reader.Add("0123456789").Add("0123x56789").Add("0123456789").Done(1)});
  CHECK(open.View("in").start_size_bytes == 10);
  CHECK(open.Read("in", 3, 7) == 3);
  CHECK(open.Read("in", 3, 3) == 3);
  CHECK(open.bytes() == "345");
}

TEST_CASE("files that are read and written together start with one size") {
  TempFolder folder;
  const ChannelSource a = PathSource(folder.File("a", "123"));
  const ChannelSource b = PathSource(folder.File("b", "12"));
  OpenTable open({Spec("x", {a, b}, 3, kReadWrite)});
  CHECK(open.opened().status == EFAULT);
  CHECK(open.opened().code == "channel-sources-differ");
  CHECK(Content(folder.Path("a")) == "123");
}

}  // namespace
}  // namespace zvm::test
