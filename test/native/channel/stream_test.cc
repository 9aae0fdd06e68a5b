// FIFOs, pipes and sockets: blocking, stopping, ends.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <thread>

#include "fixture.h"

namespace zvm::test {
namespace {

StopRequest* g_stop = nullptr;

// What a session's owner does: the timer sets the stop and goes on firing every 10 ms.
class StopTimer {
 public:
  explicit StopTimer(StopRequest& stop) {
    g_stop = &stop;
    struct sigaction action = {};
    action.sa_handler = [](int) { g_stop->Set(StopReason::kWallTime); };
    sigaction(SIGALRM, &action, nullptr);
    const itimerval every = {{0, 10'000}, {0, 20'000}};
    setitimer(ITIMER_REAL, &every, nullptr);
  }
  ~StopTimer() {
    const itimerval none = {};
    setitimer(ITIMER_REAL, &none, nullptr);
    signal(SIGALRM, SIG_DFL);
  }
};

struct Ends {
  int read = -1;
  int write = -1;
};

Ends Pipe(int flags = 0) {
  int ends[2];
  REQUIRE(pipe2(ends, O_CLOEXEC | flags) == 0);
  return {ends[0], ends[1]};
}

void WriteAll(int fd, std::string_view bytes) {
  REQUIRE(write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
}

TEST_CASE("hashing the bytes of one large trap ends with the stop, as if it had not been") {
  // /dev/null takes any size at once: all the time goes into the digest.
  constexpr size_t kSize = size_t{1} << 30;
  const ChannelLimits limits = {.writes = 2, .write_bytes = int64_t{1} << 32};
  OpenTable open({Spec("out", {PathSource("/dev/null")}, 0, limits, true)});
  REQUIRE_FALSE(open.opened().failed());
  REQUIRE(open.Write("out", "abc") == 3);
  const DigestText before = open.View("out").digest;
  void* const memory = mmap(nullptr, kSize, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(memory != MAP_FAILED);
  StopTimer timer(open.stop());
  const auto start = std::chrono::steady_clock::now();
  const IoResult result = open.table().Write(
      open.Number("out"), static_cast<const uint8_t*>(memory), static_cast<int32_t>(kSize), 0);
  const auto took = std::chrono::steady_clock::now() - start;
  munmap(memory, kSize);
  CHECK(result.status == IoStatus::kStopped);
  CHECK(took < std::chrono::seconds(1));
  CHECK(open.View("out").used.writes == 1);
  CHECK(open.View("out").digest.view() == before.view());
}

TEST_CASE("a FIFO without a writer ends with the stop") {
  TempFolder folder;
  ChannelTable table;
  StopRequest stop;
  REQUIRE_FALSE(
      table.Check(WithStandard({Spec("in", {PathSource(folder.Fifo("in"))}, 0, kReadOnly),
                                Spec("a", {PathSource(folder.Path("new"))}, 0, kWriteOnly)}))
          .failed());
  StopTimer timer(stop);
  const Failure failure = table.Open({}, stop);
  CHECK(failure.status == EINTR);
  CHECK(failure.code == "stopped");
  CHECK_FALSE(Exists(folder.Path("new")));
}

TEST_CASE("a FIFO with a writer is read to its end") {
  TempFolder folder;
  const std::string path = folder.Fifo("in");
  std::thread writer([&] {
    const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
    for (const char* piece : {"one ", "two ", "three"}) {
      WriteAll(fd, piece);
      usleep(2000);
    }
    close(fd);
  });
  OpenTable open({Spec("in", {PathSource(path)}, 0, kReadOnly)});
  CHECK(open.Read("in", 8) == 8);  // a sequential read is whole
  CHECK(open.bytes() == "one two ");
  CHECK(open.Read("in", 100) == 5);
  CHECK(open.Read("in", 100) == 0);
  CHECK(open.View("in").used.reads == 2);
  writer.join();
}

TEST_CASE("a FIFO for writing neither blocks nor breaks without a reader") {
  TempFolder folder;
  OpenTable open({Spec("out", {PathSource(folder.Fifo("out"))}, 0, kWriteOnly)});
  REQUIRE_FALSE(open.opened().failed());
  CHECK(open.Write("out", "into the pipe") == 13);
}

TEST_CASE("a silent or full pipe ends with the stop") {
  const Ends silent = Pipe(), full = Pipe();
  OpenTable open({Spec("in", {DescriptorSource(silent.read)}, 0, kReadOnly),
                  Spec("out", {DescriptorSource(full.write)}, 0, kWriteOnly)});
  {
    StopTimer timer(open.stop());
    uint8_t byte = 0;
    CHECK(open.table().Read(open.Number("in"), &byte, 1, 0).status == IoStatus::kStopped);
  }
  open.stop().End();
  StopTimer timer(open.stop());
  const std::vector<uint8_t> much(1 << 20);
  CHECK(open.table().Write(open.Number("out"), much.data(), 1 << 20, 0).status ==
        IoStatus::kStopped);
  close(silent.write);
  close(full.read);
}

TEST_CASE("descriptors in non-blocking mode wait and stop as the others") {
  const Ends in = Pipe(O_NONBLOCK), out = Pipe(O_NONBLOCK);
  OpenTable open({Spec("in", {DescriptorSource(in.read)}, 0, kReadOnly),
                  Spec("out", {DescriptorSource(out.write)}, 0, kWriteOnly)});
  std::thread peer([&] {
    usleep(5000);
    WriteAll(in.write, "late");
    fcntl(out.read, F_SETFL, 0);
    std::vector<char> sink(300'000);
    size_t got = 0;
    while (got < sink.size()) {
      const ssize_t count = read(out.read, sink.data(), sink.size());
      REQUIRE(count > 0);
      got += static_cast<size_t>(count);
    }
  });
  CHECK(open.Read("in", 4) == 4);
  CHECK(open.Write("out", std::string(300'000, 'x')) == 300'000);
  peer.join();
  {
    StopTimer timer(open.stop());
    uint8_t byte = 0;
    CHECK(open.table().Read(open.Number("in"), &byte, 1, 0).status == IoStatus::kStopped);
  }
  close(in.write);
  close(out.read);
}

TEST_CASE("stream sockets are streams, other sockets are refused") {
  int stream[2], datagram[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, stream) == 0);
  REQUIRE(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, datagram) == 0);
  WriteAll(stream[1], "hello");
  shutdown(stream[1], SHUT_WR);
  OpenTable open({Spec("in", {DescriptorSource(stream[0])}, 0, kReadOnly)});
  CHECK(open.Read("in", 10) == 5);
  CHECK(open.Read("in", 10) == 0);
  OpenTable refused({Spec("in", {DescriptorSource(datagram[0])}, 0, kReadOnly)});
  CHECK(refused.opened().status == EPROTONOSUPPORT);
  close(stream[1]);
  close(datagram[0]);
  close(datagram[1]);
}

TEST_CASE("a socket in the file system is refused without a connection") {
  TempFolder folder;
  const std::string path = folder.Path("socket");
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = {}};
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  OpenTable open({Spec("x", {PathSource(path)}, 0, kReadOnly)});
  CHECK(open.opened().status == EPROTONOSUPPORT);
  CHECK(open.opened().code == "channel-kind-unsupported");
  close(fd);
}

TEST_CASE("a reader that went away ends the session") {
  signal(SIGPIPE, SIG_IGN);
  const Ends out = Pipe();
  close(out.read);
  OpenTable open({Spec("out", {DescriptorSource(out.write)}, 0, kWriteOnly)});
  uint8_t byte = 0;
  CHECK(open.table().Write(open.Number("out"), &byte, 1, 0).status == IoStatus::kFailed);
  CHECK(open.table().failure().code == "channel-write-failed");
}

TEST_CASE("the direction of a descriptor must fit") {
  const Ends ends = Pipe();
  OpenTable reads({Spec("x", {DescriptorSource(ends.write)}, 0, kReadOnly)});
  CHECK(reads.opened().status == EFAULT);
  OpenTable writes({Spec("x", {DescriptorSource(ends.read)}, 0, kWriteOnly)});
  CHECK(writes.opened().status == EBADF);
  close(ends.read);
  close(ends.write);
}

}  // namespace
}  // namespace zvm::test
