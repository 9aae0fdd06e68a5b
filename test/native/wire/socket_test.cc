// Frames through a real socket: descriptors arrive close-on-exec, what does not fit is an error and
// leaves no descriptor open.
#include <dirent.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <vector>

#include "sample_frames.h"
#include "wire/frame_socket.h"

namespace zvm::test {
namespace {

struct Pair {
  UniqueFd a, b;
  Pair() {
    int ends[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
    a.Reset(ends[0]);
    b.Reset(ends[1]);
  }
};

size_t OpenDescriptors() {
  size_t count = 0;
  DIR* const folder = opendir("/proc/self/fd");
  while (readdir(folder) != nullptr) {
    ++count;
  }
  closedir(folder);
  return count;
}

Bytes g_buffer(kFrameSizeMax);

}  // namespace

TEST_CASE("a frame with the most descriptors arrives whole and close-on-exec") {
  const size_t before = OpenDescriptors();
  {
    const Pair pair;
    const std::vector<int> fds(kFrameDescriptorsMax, pair.a.get());
    REQUIRE(SendFrame(pair.a.get(), StartFrame(), fds) == 0);
    FrameDescriptors descriptors;
    size_t size = 0;
    REQUIRE(ReceiveFrame(pair.b.get(), g_buffer, &size, &descriptors) == ReceiveEnd::kFrame);
    CHECK(size == StartFrame().size());
    CHECK(descriptors.count() == kFrameDescriptorsMax);
    const UniqueFd taken = descriptors.Take(7);
    CHECK((fcntl(taken.get(), F_GETFD) & FD_CLOEXEC) != 0);
  }
  CHECK(OpenDescriptors() == before);
}

TEST_CASE("a message above the bound, and descriptors where none are expected, are truncated") {
  const size_t before = OpenDescriptors();
  {
    const Pair pair;
    const int fds[] = {0, 1, 2};
    FrameDescriptors descriptors;
    size_t size = 0;
    REQUIRE(SendFrame(pair.a.get(), Bytes(kFrameSizeMax + 1), fds) == 0);
    CHECK(ReceiveFrame(pair.b.get(), g_buffer, &size, &descriptors) == ReceiveEnd::kTruncated);
    CHECK(descriptors.count() == 0);
    REQUIRE(SendFrame(pair.a.get(), HelloFrame(), fds) == 0);
    CHECK(ReceiveFrame(pair.b.get(), g_buffer, &size) == ReceiveEnd::kTruncated);
  }
  CHECK(OpenDescriptors() == before);
}

TEST_CASE("descriptors that the receiver has no numbers for are truncated") {
  const Pair pair;
  rlimit limit;
  REQUIRE(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  const int fds[] = {0, 0, 0, 0};
  REQUIRE(SendFrame(pair.a.get(), StartFrame(), fds) == 0);
  const rlimit low = {static_cast<rlim_t>(pair.b.get()) + 2, limit.rlim_max};
  REQUIRE(setrlimit(RLIMIT_NOFILE, &low) == 0);
  FrameDescriptors descriptors;
  size_t size = 0;
  CHECK(ReceiveFrame(pair.b.get(), g_buffer, &size, &descriptors) == ReceiveEnd::kTruncated);
  REQUIRE(setrlimit(RLIMIT_NOFILE, &limit) == 0);
  CHECK(descriptors.count() == 0);
}

TEST_CASE("a closed peer, an empty message, nothing yet") {
  Pair pair;
  size_t size = 0;
  REQUIRE(fcntl(pair.b.get(), F_SETFL, O_NONBLOCK) == 0);
  CHECK(ReceiveFrame(pair.b.get(), g_buffer, &size) == ReceiveEnd::kWouldBlock);
  REQUIRE(send(pair.a.get(), "", 0, 0) == 0);
  CHECK(ReceiveFrame(pair.b.get(), g_buffer, &size) == ReceiveEnd::kClosed);
  pair.a.Reset();
  CHECK(ReceiveFrame(pair.b.get(), g_buffer, &size) == ReceiveEnd::kClosed);
  CHECK(SendFrame(pair.b.get(), HelloFrame(), {}) == EPIPE);
}

TEST_CASE("a peer that goes without having received: told once, its own frames still come") {
  Pair pair;
  size_t size = 0;
  REQUIRE(SendFrame(pair.a.get(), HelloFrame(), {}) == 0);
  REQUIRE(SendFrame(pair.b.get(), StartFrame(), {}) == 0);
  pair.a.Reset();
  CHECK(ReceiveFrame(pair.b.get(), g_buffer, &size) == ReceiveEnd::kUnread);
  CHECK(ReceiveFrame(pair.b.get(), g_buffer, &size) == ReceiveEnd::kFrame);
  CHECK(ReceiveFrame(pair.b.get(), g_buffer, &size) == ReceiveEnd::kClosed);
}

}  // namespace zvm::test
