#include "base/write_all.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "base/monotonic.h"

namespace zvm {
namespace {

// Sleeps until `fd` takes something or `end_us` has come; false when it has.
bool AwaitRoom(int fd, uint64_t end_us) {
  for (;;) {
    const uint64_t now = MonotonicUs();
    if (now >= end_us) {
      return false;
    }
    pollfd waiting = {.fd = fd, .events = POLLOUT, .revents = 0};
    const int ready = poll(&waiting, 1, static_cast<int>((end_us - now) / 1000 + 1));
    // An error of poll or of the descriptor: writing will tell which.
    if (ready > 0 || (ready < 0 && errno != EINTR)) {
      return true;
    }
  }
}

}  // namespace

bool WriteAll(int fd, std::string_view text, uint64_t limit_ms) {
  const uint64_t end_us = MonotonicUs() + limit_ms * 1000;
  while (!text.empty()) {
    if (!AwaitRoom(fd, end_us)) {
      return false;
    }
    // A pipe that is ready has room for this much: the call does not block.
    const size_t part = std::min<size_t>(text.size(), PIPE_BUF);
    const ssize_t wrote = write(fd, text.data(), part);
    if (wrote < 0 && (errno == EINTR || errno == EAGAIN)) {
      continue;
    }
    if (wrote <= 0) {
      return false;
    }
    text.remove_prefix(static_cast<size_t>(wrote));
  }
  return true;
}

}  // namespace zvm
