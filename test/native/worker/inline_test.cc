// Inputs and outputs that travel in frames: the same bytes as through descriptors, in order,
// whatever their size.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "worker/output_log.h"
#include "worker_driver.h"

namespace zvm::test {
namespace {

// Appends the records in frame[at, end) that belong to the channel `number`.
void AddRecords(const Bytes& frame, size_t at, uint16_t number, std::string& output) {
  while (at < frame.size()) {
    WireOutputRecord record;
    REQUIRE(frame.size() - at >= sizeof record);
    std::memcpy(&record, frame.data() + at, sizeof record);
    at += sizeof record;
    REQUIRE(record.size_bytes <= frame.size() - at);
    CHECK(record.size_bytes > 0);
    if (record.channel == number) {
      output.append(frame.begin() + static_cast<long>(at),
                    frame.begin() + static_cast<long>(at + record.size_bytes));
    }
    at += record.size_bytes;
  }
}

struct Answer {
  WireReport report;
  std::string output;  // of stdout, number 1
  int output_frames = 0;
};

Answer Take(WorkerDriver& worker) {
  Answer answer;
  for (;;) {
    const Bytes frame = worker.Receive();
    const auto header = As<WireHeader>(frame);
    if (header.type == static_cast<uint16_t>(FrameType::kOutput)) {
      ++answer.output_frames;
      AddRecords(frame, sizeof header, 1, answer.output);
      continue;
    }
    REQUIRE(header.type == static_cast<uint16_t>(FrameType::kReport));
    answer.report = As<WireReport>(frame);
    REQUIRE(answer.report.output_size <= frame.size());
    AddRecords(frame, frame.size() - answer.report.output_size, 1, answer.output);
    return answer;
  }
}

StartOptions InFrames(const std::string& input = "") {
  return {.fd_count = 1, .in_frames = true, .input = input};
}

}  // namespace

TEST_CASE("hello comes with the report; the second session needs no descriptor at all") {
  const UniqueFd image = PrepareImage("asm/hello");
  WorkerDriver worker("session", "0");
  const int fds[] = {image.get()};
  REQUIRE(worker.Send(MakeStart(InFrames()), fds) == 0);
  const Answer first = Take(worker);
  CHECK(first.output == "hello world\n");
  CHECK(first.output_frames == 0);
  StartOptions named = InFrames();
  named.fd_count = 0;
  named.program_sha256_hex.assign(first.report.program_sha256_hex, 64);
  for (int i = 0; i < 200; ++i) {
    REQUIRE(worker.Send(MakeStart(named), {}) == 0);
    const Answer answer = Take(worker);
    CHECK(answer.output == "hello world\n");
    CHECK(answer.report.outcome == 0);
    CHECK(answer.report.accounting[3] == 12);
  }
}

TEST_CASE("several frames under way are done in order; a cancel finds the one it names") {
  const UniqueFd image = PrepareImage("asm/hello");
  WorkerDriver worker("session", "0");
  const int fds[] = {image.get()};
  for (int round = 0; round < 20; ++round) {
    constexpr uint64_t kFrames = 6, kCancelled = 4;
    worker.Cancel(static_cast<uint64_t>(round) * 10 + kCancelled);
    for (uint64_t i = 0; i < kFrames; ++i) {
      StartOptions options = InFrames();
      options.session_id = static_cast<uint64_t>(round) * 10 + i;
      REQUIRE(worker.Send(MakeStart(options), fds) == 0);
    }
    for (uint64_t i = 0; i < kFrames; ++i) {
      const Answer answer = Take(worker);
      CHECK(answer.report.header.session_id == static_cast<uint64_t>(round) * 10 + i);
      CHECK(answer.report.outcome == (i == kCancelled ? 3 : 0));
    }
  }
}

TEST_CASE("an input of any size comes out again; large outputs come in frames before the report") {
  const UniqueFd image = PrepareImage("bench/copy");
  WorkerDriver worker("session", "0");
  const int fds[] = {image.get()};
  for (const size_t size : {0u, 1u, 4096u, 32'759u, 32'760u, 32'761u, 60'000u}) {
    CAPTURE(size);
    std::string input(size, 0);
    for (size_t i = 0; i < size; ++i) {
      input[i] = static_cast<char>(i * 7 + i / 256);
    }
    REQUIRE(worker.Send(MakeStart(InFrames(input)), fds) == 0);
    const Answer answer = Take(worker);
    CHECK(answer.output == input);
    CHECK(answer.report.outcome == 0);
    CHECK(answer.output_frames == (size > 32'760 ? 1 : 0));
  }
}

// In a child whose descriptor 0 is `socket`: writes 64 MiB after a stop was requested.
int WriteWhenStopped(int socket) {
  static OutputLog log;
  static uint8_t bytes[64 << 20];
  StopRequest stop;
  stop.Set(StopReason::kWallTime);
  dup2(socket, 0);
  log.Begin(1);
  const Transfer transfer = log.Take(1, bytes, stop);
  return transfer.end == TransferEnd::kStopped && transfer.size_bytes < 64 * 1024 ? 0 : 1;
}

TEST_CASE("a large output ends with the limit also when its owner takes all of it at once") {
  int ends[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    close(ends[0]);
    _exit(WriteWhenStopped(ends[1]));
  }
  close(ends[1]);
  std::vector<uint8_t> frame(kFrameSizeMax);
  while (read(ends[0], frame.data(), frame.size()) > 0) {
  }
  close(ends[0]);
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}

TEST_CASE("an owner that does not take outputs: the limit still ends the session") {
  constexpr int kSessions = 8;
  const UniqueFd image = PrepareImage("bench/copy");
  int limited = 0;
  // The socket is full either before an output frame, which waits inside the session, or before a
  // report, behind it: the size of the first session decides.
  for (const size_t first_size : {60'000u, 20'000u}) {
    WorkerDriver worker("session", "0");
    const auto size_of = [first_size](int i) { return i == 0 ? first_size : 60'000u; };
    // Another process sends, because the worker stops taking frames when nobody takes its own.
    const pid_t sender = fork();
    REQUIRE(sender >= 0);
    if (sender == 0) {
      for (int i = 0; i < kSessions; ++i) {
        StartOptions options = InFrames(std::string(size_of(i), 'o'));
        options.wall_ms = 50;
        const int fds[] = {image.get()};
        (void)worker.Send(MakeStart(options), fds);
      }
      _exit(0);
    }
    usleep(300'000);
    for (int i = 0; i < kSessions; ++i) {
      const Answer answer = Take(worker);
      limited += answer.report.outcome == 2;
      CHECK((answer.report.outcome == 2 || answer.output == std::string(size_of(i), 'o')));
    }
    CHECK(waitpid(sender, nullptr, 0) == sender);
  }
  CHECK(limited > 0);
}

TEST_CASE("what makes no sense inline is told by the report") {
  const UniqueFd image = PrepareImage("asm/hello");
  WorkerDriver worker("session", "0");
  const int fds[] = {image.get()};
  Bytes frame = MakeStart(InFrames());
  const size_t standard_output = sizeof(WireStart) + sizeof(WireChannel);
  frame[standard_output + 2] = 3;  // random writes
  REQUIRE(worker.Send(frame, fds) == 0);
  CHECK(TextAt(worker.Receive(), sizeof(WireReport) + 3 * sizeof(WireReportChannel))
            .starts_with("channel-inline-random"));
  frame = MakeStart(InFrames());
  frame[standard_output + 8] = frame[standard_output + 16] = 1;  // reads, too
  REQUIRE(worker.Send(frame, fds) == 0);
  CHECK(TextAt(worker.Receive(), sizeof(WireReport) + 3 * sizeof(WireReportChannel))
            .starts_with("channel-stream-read-write"));
}

}  // namespace zvm::test
