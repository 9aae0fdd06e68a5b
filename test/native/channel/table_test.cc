// Traps on regular files and devices: results, positions, digests, accounting, end.
#include <unistd.h>

#include <cerrno>
#include <fstream>

#include "fixture.h"

namespace zvm::test {
namespace {

std::string Sha1(std::string_view text) {
  Digest digest(DigestAlgorithm::kSha1);
  digest.Update(text.data(), text.size());
  return std::string(digest.Value().view());
}

TEST_CASE("channel numbers") {
  OpenTable open({});
  REQUIRE_FALSE(open.opened().failed());
  uint8_t byte = 0;
  for (int32_t number : {-1, 3, 0xFFFF, INT32_MAX, INT32_MIN}) {
    CHECK(open.table().Read(number, &byte, 1, 0).value == -EINVAL);
    CHECK(open.table().Write(number, &byte, 1, 0).value == -EINVAL);
  }
}

TEST_CASE("the end of a sequential file costs one read and a spare byte of quota") {
  TempFolder folder;
  const std::string path = folder.File("ten", "0123456789");
  OpenTable open({Spec("exact", {PathSource(path)}, 0, {5, 10}),
                  Spec("spare", {PathSource(path)}, 0, {3, 11}),
                  Spec("partial", {PathSource(path)}, 0, {2, 100})});
  CHECK(open.Read("exact", 10) == 10);
  CHECK(open.Read("exact", 10) == -EDQUOT);
  CHECK(open.Read("spare", 10) == 10);
  CHECK(open.Read("spare", 10) == 0);
  CHECK(open.View("spare").used.reads == 2);
  CHECK(open.Read("spare", 10) == 0);
  CHECK(open.View("spare").used.reads == 2);
  // Partial data meets the end too: the next read is free.
  CHECK(open.Read("partial", 20) == 10);
  CHECK(open.bytes() == "0123456789");
  CHECK(open.Read("partial", 20) == 0);
  CHECK(open.View("partial").used.reads == 1);
}

TEST_CASE("host-side accounting counts chunks of 64 KiB and ends") {
  TempFolder folder;
  OpenTable open({Spec("in", {PathSource(folder.File("in", std::string(200'000, 'x')))}, 0,
                       kReadOnly),
                  Spec("out", {PathSource(folder.Path("out"))}, 0, kWriteOnly)});
  CHECK(open.Read("in", 150'000) == 150'000);
  CHECK(open.table().accounting().local_reads == 3);
  CHECK(open.Read("in", 65'536) == 50'000);  // one partial chunk and the end
  CHECK(open.table().accounting().local_reads == 5);
  CHECK(open.table().accounting().local_read_bytes == 200'000);
  CHECK(open.Read("in", 1) == 0);
  CHECK(open.table().accounting().local_reads == 5);
  CHECK(open.Write("out", std::string(150'000, 'y')) == 150'000);
  CHECK(open.Write("out", "z") == 1);
  CHECK(open.table().accounting().local_writes == 2);
  CHECK(open.table().accounting().local_write_bytes == 150'001);
  CHECK(open.table().accounting().network_reads == 0);
}

TEST_CASE("a write to several sources counts for each and reaches each") {
  TempFolder folder;
  OpenTable open({Spec("out",
                       {PathSource(folder.Path("a")), PathSource(folder.Path("b")),
                        PathSource(folder.Path("c"))},
                       0, kWriteOnly)});
  CHECK(open.Write("out", "hello") == 5);
  CHECK(open.table().accounting().local_writes == 3);
  CHECK(open.View("out").used.writes == 1);
  open.table().Close();
  for (const char* name : {"a", "b", "c"}) {
    CHECK(Content(folder.Path(name)) == "hello");  // all were cut, also every second one
  }
}

TEST_CASE("sparse writes leave holes of zeros and the file ends with the channel") {
  TempFolder folder;
  OpenTable open({Spec("out", {PathSource(folder.Path("out"))}, 2, {0, 0, 9, 1000})});
  CHECK(SizeOf(folder.Path("out")) == 1000);
  CHECK(open.Write("out", "end", 100) == 3);
  CHECK(open.Write("out", "start", 0) == 5);
  CHECK(open.Write("out", "x", 1000) == -EINVAL);
  open.table().Close();
  open.table().Close();
  CHECK(Content(folder.Path("out")) == "start" + std::string(95, '\0') + "end");
}

TEST_CASE("appending continues an existing file and reads it anywhere") {
  TempFolder folder;
  const std::string path = folder.File("log", "first.");
  OpenTable open({Spec("log", {PathSource(path)}, 1, {9, 100, 9, 10})});
  CHECK(open.View("log").start_size_bytes == 6);
  CHECK(open.Write("log", "second.", 0) == 7);
  CHECK(open.Read("log", 20, 6) == 7);
  CHECK(open.bytes() == "second.");
  CHECK(open.Read("log", 1, 14) == -EFAULT);
  CHECK(open.Read("log", 0, 14) == -EFAULT);
  CHECK(open.Read("log", 1, 13) == 0);
  CHECK(open.Write("log", "third.") == 3);
  CHECK(open.Write("log", "x") == -EINVAL);
  open.table().Close();
  CHECK(Content(path) == "first.second.thi");
}

TEST_CASE("reading and writing at random") {
  TempFolder folder;
  const std::string path = folder.File("data", "0123456789");
  OpenTable open({Spec("data", {PathSource(path)}, 3, {9, 100, 9, 20}),
                  Spec("new", {PathSource(folder.Path("new"))}, 3, {9, 100, 9, 20})});
  CHECK(open.View("data").start_size_bytes == 10);
  CHECK(SizeOf(path) == 10);  // only new files are extended
  CHECK(open.Write("data", "ab", 4) == 2);
  CHECK(open.Read("data", 10, 0) == 10);
  CHECK(open.bytes() == "0123ab6789");
  CHECK(open.Write("data", "Z", 12) == 1);
  CHECK(open.Read("data", 10, 9) == 4);
  CHECK(open.bytes() == std::string_view("9\0\0Z", 4));
  CHECK(SizeOf(folder.Path("new")) == 20);
  CHECK(open.View("new").start_size_bytes == 0);
  CHECK(open.Read("new", 5, 0) == 0);  // the reservation is not content
  CHECK(open.Write("new", "n", 19) == 1);
  CHECK(open.Write("new", "n", 39) == -EINVAL);
  open.table().Close();
  CHECK(Content(path) == std::string("0123ab6789\0\0Z", 13));
  CHECK(SizeOf(folder.Path("new")) == 20);
}

TEST_CASE("a file that shrinks under a random channel ends, it does not spin") {
  TempFolder folder;
  const std::string path = folder.File("data", std::string(100'000, 'd'));
  OpenTable open({Spec("data", {PathSource(path)}, 1, kReadOnly)});
  REQUIRE(truncate(path.c_str(), 10) == 0);
  CHECK(open.Read("data", 100, 0) == 10);
  CHECK(open.Read("data", 100, 50) == 0);
  CHECK(open.Read("data", 100, 0) == 10);  // no flag: the file may come back
}

TEST_CASE("digests take reads and writes in the order of calls") {
  TempFolder folder;
  const std::string path = folder.File("data", "0123456789");
  OpenTable open({Spec("data", {PathSource(path)}, 3, kReadWrite, true),
                  Spec("none", {PathSource(folder.Path("n"))}, 0, kWriteOnly),
                  Spec("empty", {PathSource(folder.Path("e"))}, 0, kWriteOnly, true)});
  CHECK(open.Read("data", 3, 5) == 3);
  CHECK(open.Write("data", "abc", 1) == 3);
  CHECK(open.Read("data", 4, 8) == 2);
  CHECK(open.View("data").digest.view() == Sha1("567abc89"));
  CHECK(open.View("none").digest.view().empty());
  CHECK(open.View("empty").digest.view() == "da39a3ee5e6b4b0d3255bfef95601890afd80709");
}

TEST_CASE("digests can be SHA-256") {
  TempFolder folder;
  OpenTable open({Spec("out", {PathSource(folder.Path("out"))}, 0, kWriteOnly, true)},
                 {.etag_algorithm = DigestAlgorithm::kSha256});
  CHECK(open.Write("out", "abc") == 3);
  CHECK(open.View("out").digest.view() ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("character devices are streams") {
  OpenTable open({Spec("zero", {PathSource("/dev/zero")}, 0, kReadOnly),
                  Spec("null", {PathSource("/dev/null")}, 0, kWriteOnly),
                  Spec("random", {PathSource("/dev/zero")}, 1, kReadOnly)});
  CHECK(open.Read("zero", 100'000) == 100'000);
  CHECK(open.table().accounting().local_reads == 2);
  CHECK(open.Read("/dev/stdin", 10) == 0);
  CHECK(open.Write("null", "gone") == 4);
  CHECK(open.View("zero").start_size_bytes == 0);
  CHECK(open.Read("random", 1, 0) == 0);  // a stream has size 0
  CHECK(open.Read("random", 1, 1) == -EFAULT);
}

TEST_CASE("a device that refuses ends the session") {
  OpenTable open({Spec("full", {PathSource("/dev/full")}, 0, kWriteOnly)});
  uint8_t byte = 0;
  CHECK(open.table().Write(open.Number("full"), &byte, 1, 0).status == IoStatus::kFailed);
  CHECK(open.table().failure().status == EIO);
  CHECK(open.table().failure().code == "channel-write-failed");
  CHECK(open.table().failure().message().find("full") != std::string_view::npos);
}

TEST_CASE("a buffer that the kernel refuses ends the session") {
  OpenTable open({Spec("zero", {PathSource("/dev/zero")}, 0, kReadOnly)});
  uint8_t* nowhere = reinterpret_cast<uint8_t*>(16);
  CHECK(open.table().Read(open.Number("zero"), nowhere, 1, 0).status == IoStatus::kFailed);
  CHECK(open.table().failure().status == EIO);
  CHECK(open.table().failure().code == "channel-read-failed");
}

TEST_CASE("a stop ends a transfer") {
  OpenTable open({Spec("zero", {PathSource("/dev/zero")}, 0, kReadOnly)});
  open.stop().Set(StopReason::kWallTime);
  uint8_t byte = 0;
  CHECK(open.table().Read(open.Number("zero"), &byte, 1, 0).status == IoStatus::kStopped);
  CHECK(open.table().Write(open.Number("/dev/stdout"), &byte, 1, 0).status ==
        IoStatus::kStopped);
  CHECK_FALSE(open.table().failure().failed());
}

TEST_CASE("offsets near 2^63 are refused by the file, not wrapped") {
  TempFolder folder;
  const std::string path = folder.File("data", "0123456789");
  OpenTable open({Spec("data", {PathSource(path)}, 3, {kHuge, kHuge, kHuge, kHuge})});
  REQUIRE_FALSE(open.opened().failed());
  CHECK(open.Read("data", 1, kHuge) == -EFAULT);
  const uint8_t bytes[16] = {};
  const IoResult result = open.table().Write(open.Number("data"), bytes, 16, kHuge - 2);
  CHECK(result.status == IoStatus::kFailed);
  open.table().Close();
  CHECK(Content(path) == "0123456789");
}

}  // namespace
}  // namespace zvm::test
