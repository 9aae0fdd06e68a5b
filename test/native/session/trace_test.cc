// The trace and what it is written with: bounded in size, and in the time that a reader may take.
#include "session/trace.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <string>

#include "abi/trap.h"
#include "run_tool.h"

namespace zvm {
namespace {

constexpr TrapRecord kTrap = {ZVM_TRAP_WRITE, {1, 0x40060, 12, 0}, 12};

size_t Count(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

TEST_CASE("a flood of traps fills a trace up to its bound, which the trace tells") {
  TestFolder folder;
  Trace trace;
  REQUIRE_FALSE(trace.Open(folder.Path("trace").c_str()).failed());
  // A line has at least 50 bytes.
  for (uint64_t i = 0; i < kTraceSizeMax / 50 + 1000; ++i) {
    trace.OnTrap(kTrap);
  }
  trace.Milestone("report");
  trace.Flush();
  struct stat status;
  REQUIRE(stat(folder.Path("trace").c_str(), &status) == 0);
  CHECK(status.st_size > static_cast<off_t>(kTraceSizeMax - 4096));
  CHECK(status.st_size < static_cast<off_t>(kTraceSizeMax + 4096));
  const std::string text = folder.Read("trace");
  CHECK(Count(text, "traps are not told any more") == 1);
  CHECK(text.ends_with(": [report]\n"));
}

TEST_CASE("a trace that nobody reads is given up, not waited for at every trap") {
  TestFolder folder;
  REQUIRE(mkfifo(folder.Path("fifo").c_str(), 0600) == 0);
  const UniqueFd reader(open(folder.Path("fifo").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  Trace trace;
  REQUIRE_FALSE(trace.Open(folder.Path("fifo").c_str()).failed());
  CHECK(trace.descriptor() >= 0);
  const UniqueFd filler(open(folder.Path("fifo").c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  const std::string block(4096, 'x');
  while (write(filler.get(), block.data(), block.size()) > 0) {
  }
  const uint64_t start = MonotonicUs();
  CHECK_FALSE(WriteAll(trace.descriptor(), "text", 50));
  const uint64_t took_us = MonotonicUs() - start;
  CHECK(took_us >= 50'000);
  CHECK(took_us < 1'000'000);
}

TEST_CASE("everything is written to a slow reader, in pieces") {
  std::array<int, 2> ends;
  REQUIRE(pipe2(ends.data(), O_CLOEXEC) == 0);
  const UniqueFd read_end(ends[0]), write_end(ends[1]);
  const std::string text(1 << 20, 'z');
  const pid_t child = fork();
  if (child == 0) {
    _exit(WriteAll(write_end.get(), text) ? 0 : 1);
  }
  size_t got = 0;
  std::array<char, 10'000> block;
  while (got < text.size()) {
    const ssize_t part = read(read_end.get(), block.data(), block.size());
    REQUIRE(part > 0);
    got += static_cast<size_t>(part);
  }
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}

TEST_CASE("a reader that is gone ends the writing") {
  std::array<int, 2> ends;
  REQUIRE(pipe2(ends.data(), O_CLOEXEC) == 0);
  const UniqueFd write_end(ends[1]);
  close(ends[0]);
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  CHECK_FALSE(WriteAll(write_end.get(), "text"));
  std::signal(SIGPIPE, before);
}

}  // namespace
}  // namespace zvm
