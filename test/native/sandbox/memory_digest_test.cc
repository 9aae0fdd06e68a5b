// The digest of the memory obeys the session's limits: it stops when it is asked to.
#include <doctest/doctest.h>
#include <sys/time.h>

#include <csignal>

#include "base/monotonic.h"
#include "window_fixture.h"

namespace zvm {
namespace {

StopRequest g_stop;

void OnAlarm(int) { g_stop.Set(StopReason::kWallTime); }

TEST_CASE("a digest of 4 GiB stops within milliseconds of the request") {
  const Window window(int64_t{1} << 32);
  g_stop.End();
  const auto before = std::signal(SIGALRM, OnAlarm);
  const itimerval timer = {{0, 0}, {0, 50'000}};
  const uint64_t start = MonotonicUs();
  REQUIRE(setitimer(ITIMER_REAL, &timer, nullptr) == 0);
  Digest digest(DigestAlgorithm::kSha256);
  CHECK_FALSE(window.space.DigestMemory(digest, -1, g_stop));
  const uint64_t took_us = MonotonicUs() - start;
  std::signal(SIGALRM, before);
  CHECK(took_us >= 50'000);
  CHECK(took_us < 1'500'000);
}

TEST_CASE("a session that was stopped before has no digest") {
  const Window window;
  StopRequest stop;
  stop.Set(StopReason::kTerminated);
  Digest digest(DigestAlgorithm::kSha1);
  CHECK_FALSE(window.space.DigestMemory(digest, -1, stop));
}

}  // namespace
}  // namespace zvm
