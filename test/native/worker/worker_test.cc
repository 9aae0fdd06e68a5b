// The worker process from outside: prepares, runs, refuses, is stopped, dies, and never outlives
// its owner.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iostream>

#include "worker_driver.h"

namespace zvm::test {
namespace {

constexpr int kRefusedStatus = 81;

UniqueFd OpenNull() { return UniqueFd(open("/dev/null", O_RDWR | O_CLOEXEC)); }

struct PipeEnds {
  UniqueFd read_end, write_end;
  PipeEnds() {
    int ends[2];
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    read_end.Reset(ends[0]);
    write_end.Reset(ends[1]);
  }
};

// Sends `frame` to a fresh worker of `role` and returns the name of its refusal.
std::string Refusal(const char* role, const Bytes& frame, std::span<const int> fds) {
  WorkerDriver worker(role);
  REQUIRE(worker.Send(frame, fds) == 0);
  const Bytes answer = worker.Receive();
  CHECK(worker.Wait() == kRefusedStatus);
  return As<WireHeader>(answer).type == static_cast<uint16_t>(FrameType::kRefusal)
             ? TextAt(answer, sizeof(WireRefusal))
             : "no refusal";
}

struct Ran {
  WireReport report;
  std::string texts, output;
};

Ran Run(int image, const StartOptions& options = {}) {
  const UniqueFd null = OpenNull();
  const UniqueFd output(memfd_create("output", MFD_CLOEXEC));
  WorkerDriver worker("session");
  const int fds[] = {image, null.get(), output.get(), null.get()};
  REQUIRE(worker.Send(MakeStart(options), fds) == 0);
  const Bytes answer = worker.Receive();
  CHECK(worker.Wait() == 0);
  Ran ran;
  ran.report = As<WireReport>(answer);
  ran.texts = TextAt(answer, sizeof(WireReport) +
                                 ran.report.channel_count * sizeof(WireReportChannel));
  char text[64];
  const ssize_t size = pread(output.get(), text, sizeof text, 0);
  ran.output.assign(text, static_cast<size_t>(std::max<ssize_t>(size, 0)));
  return ran;
}

double NowUs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

}  // namespace

TEST_CASE("hello tells role, versions and the walls that stand") {
  WorkerDriver worker("session");
  const auto hello = As<WireHello>(worker.hello());
  CHECK(hello.header.type == static_cast<uint16_t>(FrameType::kHello));
  CHECK(hello.pid == static_cast<uint32_t>(worker.pid()));
  CHECK(hello.role == 1);
  constexpr uint32_t kAlways =
      kWallSeccomp | kWallPrivileges | kWallNotDumpable | kWallRlimits | kWallParentDeath;
  CHECK((hello.walls & kAlways) == kAlways);
  worker.CloseSocket();
  CHECK(worker.Wait() == 0);
}

TEST_CASE("a session from start frame to report") {
  const UniqueFd image = PrepareImage("asm/hello");
  for (const uint32_t flags : {0u, kStartMemoryEtag}) {
    const Ran ran = Run(image.get(), {.flags = flags});
    CHECK(ran.output == "hello world\n");
    CHECK(ran.report.outcome == 0);
    CHECK(ran.report.header.session_id == 12);
    CHECK(ran.report.channel_count == 3);
    CHECK(ran.report.accounting[3] == 12);
    CHECK(ran.report.memory_digest_size == (flags != 0 ? 40 : 0));
    CHECK(ran.texts == "ok");
  }
}

TEST_CASE("what makes no session is a report, not a refusal") {
  const UniqueFd image = PrepareImage("asm/hello");
  const Ran small = Run(image.get(), {.memory_bytes = 4096});
  CHECK(small.report.outcome == 4);
  CHECK(small.texts.starts_with("memory-heap-too-small"));
  const UniqueFd plain(memfd_create("image", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  const Ran unsealed = Run(plain.get());
  CHECK(unsealed.report.outcome == 4);
  CHECK(unsealed.report.validator == 2);
  CHECK(unsealed.texts.starts_with("image-invalid"));
}

TEST_CASE("prepare: no program, a pipe, a sealed image file: answers, no deaths") {
  const UniqueFd null = OpenNull();
  const UniqueFd text(memfd_create("text", MFD_CLOEXEC));
  REQUIRE(write(text.get(), "#!/bin/sh\n", 10) == 10);
  const PipeEnds pipe;
  for (const int program : {null.get(), text.get(), pipe.read_end.get()}) {
    const UniqueFd image(memfd_create("image", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    WorkerDriver worker("prepare");
    const int fds[] = {program, image.get()};
    REQUIRE(worker.Send(MakePrepare(), fds) == 0);
    const auto prepared = As<WirePrepared>(worker.Receive());
    CHECK(prepared.valid == 0);
    CHECK(prepared.validated == 0);
    CHECK(prepared.status != 0);
    CHECK(prepared.code_size > 0);
    CHECK(worker.Wait() == 0);
    CHECK(fcntl(image.get(), F_GET_SEALS) == 0);
  }
}

TEST_CASE("the kernel bounds what a judge of programs can take") {
  WorkerDriver worker("prepare");
  std::ifstream limits("/proc/" + std::to_string(worker.pid()) + "/limits");
  std::string line;
  unsigned found = 0;
  while (std::getline(limits, line)) {
    if (line.starts_with("Max file size") || line.starts_with("Max data size")) {
      found += line.find("unlimited") == std::string::npos;
    }
  }
  CHECK(found == 2);
  worker.CloseSocket();
  CHECK(worker.Wait() == 0);
}

TEST_CASE("the kernel bounds time and memory of a session behind timers and page rights") {
  const UniqueFd image = PrepareImage("asm/spin");
  const UniqueFd null = OpenNull();
  const int fds[] = {image.get(), null.get(), null.get(), null.get()};
  WorkerDriver worker("session");
  REQUIRE(worker.Send(MakeStart({.wall_ms = 300}), fds) == 0);
  usleep(100'000);
  std::ifstream limits("/proc/" + std::to_string(worker.pid()) + "/limits");
  std::string line;
  unsigned found = 0;
  while (std::getline(limits, line)) {
    if (line.starts_with("Max cpu time")) {
      found += line.find(" 10 ") != std::string::npos;
    }
    if (line.starts_with("Max data size")) {
      found += line.find("unlimited") == std::string::npos;
    }
  }
  CHECK(found == 2);
  CHECK(As<WireReport>(worker.Receive()).outcome == 2);
  CHECK(worker.Wait() == 0);
}

TEST_CASE("the peak of the memory is the worker's own, not its owner's") {
  constexpr size_t kOwnerBytes = size_t{512} << 20;
  const UniqueFd image = PrepareImage("asm/hello");
  // Lets this process be much larger than any worker when it starts one.
  void* const ballast = mmap(nullptr, kOwnerBytes, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  REQUIRE(ballast != MAP_FAILED);
  const Ran ran = Run(image.get());
  munmap(ballast, kOwnerBytes);
  CHECK(ran.report.peak_memory_bytes > 100'000);
  CHECK(ran.report.peak_memory_bytes < kOwnerBytes / 4);
  // What a guest touches is in it.
  const Ran larger = Run(PrepareImage("asm/touch").get());
  CHECK(larger.report.peak_memory_bytes > ran.report.peak_memory_bytes + (12 << 20));
}

TEST_CASE("hostile frames are refused by name") {
  const UniqueFd null = OpenNull();
  const int four[] = {null.get(), null.get(), null.get(), null.get()};
  const std::span<const int> fds(four);
  const Bytes good = MakeStart();
  const auto with = [&good](size_t at, uint8_t value) {
    Bytes frame = good;
    frame[at] = value;
    return frame;
  };
  CHECK(Refusal("session", with(0, 0), fds) == "frame-magic");
  CHECK(Refusal("session", with(4, 2), fds) == "frame-version");
  CHECK(Refusal("session", with(8, 0), fds) == "frame-size");
  CHECK(Refusal("session", with(50, 9), fds) == "frame-field");
  CHECK(Refusal("session", with(56, 9), fds) == "frame-reserved");
  CHECK(Refusal("session", good, fds.first(3)) == "frame-descriptors");
  CHECK(Refusal("session", good, {}) == "frame-descriptors");
  CHECK(Refusal("session", MakeStart({.fd_count = 3}), fds.first(3)) == "frame-descriptors");
  CHECK(Refusal("session", Bytes(3, 'x'), {}) == "frame-size");
  CHECK(Refusal("session", Bytes(40, 0xFF), fds) == "frame-magic");
  CHECK(Refusal("session", Bytes(kFrameSizeMax + 1), fds) == "frame-truncated");
  CHECK(Refusal("session", MakePrepare(), fds.first(2)) == "frame-type");
  CHECK(Refusal("prepare", good, fds) == "frame-type");
  CHECK(Refusal("prepare", MakePrepare(7), fds.first(2)) == "frame-field");
}

TEST_CASE("SIGTERM: an idle worker ends, a blocked session is cancelled; wall time ends it too") {
  WorkerDriver idle("session");
  kill(idle.pid(), SIGTERM);
  CHECK(idle.Wait() == 0);
  const UniqueFd image = PrepareImage("bench/copy"), null = OpenNull();
  for (const bool by_signal : {true, false}) {
    const PipeEnds input;
    WorkerDriver worker("session");
    const int fds[] = {image.get(), null.get(), null.get(), input.read_end.get()};
    REQUIRE(worker.Send(MakeStart({.wall_ms = by_signal ? 5000u : 30u}), fds) == 0);
    if (by_signal) {
      usleep(20'000);
      kill(worker.pid(), SIGTERM);
    }
    const auto report = As<WireReport>(worker.Receive());
    CHECK(report.outcome == (by_signal ? 3 : 2));
    CHECK(worker.Wait() == 0);
  }
}

TEST_CASE("a worker dies with its owner, idle or in a session") {
  const UniqueFd image = PrepareImage("bench/copy"), null = OpenNull();
  for (const bool running : {false, true}) {
    const PipeEnds alive, input;
    const pid_t owner = fork();
    if (owner == 0) {
      auto* const worker = new WorkerDriver("session");
      const int fds[] = {image.get(), alive.write_end.get(), null.get(), input.read_end.get()};
      if (running) {
        (void)worker->Send(MakeStart(), fds);
      }
      usleep(20'000);
      kill(getpid(), SIGKILL);
    }
    REQUIRE(waitpid(owner, nullptr, 0) == owner);
    // The session held a copy of this end; an idle worker is covered by its closed socket.
    UniqueFd ours = UniqueFd(dup(alive.read_end.get()));
    const_cast<PipeEnds&>(alive).write_end.Reset();
    pollfd waiting = {ours.get(), POLLIN, 0};
    CHECK(poll(&waiting, 1, 2000) == 1);
  }
}

TEST_CASE("killed in the middle: the owner sees the end and no answer") {
  WorkerDriver worker("session");
  kill(worker.pid(), SIGKILL);
  CHECK(worker.Receive().empty());
  CHECK(worker.Wait() == 1000 + SIGKILL);
}

TEST_CASE("start to report of a worker that was started before") {
  const UniqueFd image = PrepareImage("asm/hello"), null = OpenNull();
  constexpr int kRuns = 100;
  std::vector<double> answer_us, spawn_us;
  for (int i = 0; i < kRuns; ++i) {
    const double spawned = NowUs();
    WorkerDriver worker("session");
    const int fds[] = {image.get(), null.get(), null.get(), null.get()};
    const Bytes start = MakeStart();
    const double sent = NowUs();
    REQUIRE(worker.Send(start, fds) == 0);
    REQUIRE_FALSE(worker.Receive().empty());
    answer_us.push_back(NowUs() - sent);
    spawn_us.push_back(sent - spawned);
    CHECK(worker.Wait() == 0);
  }
  std::sort(answer_us.begin(), answer_us.end());
  std::sort(spawn_us.begin(), spawn_us.end());
  std::cout << "worker: start to report us: min " << answer_us[0] << ", median "
            << answer_us[kRuns / 2] << "; spawn to hello us: min " << spawn_us[0] << ", median "
            << spawn_us[kRuns / 2] << "\n";
  // A bound that only a lost wake-up or a timer would break.
  CHECK(answer_us[kRuns / 2] < 50'000);
}

}  // namespace zvm::test
