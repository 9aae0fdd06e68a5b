// One worker, many sessions: what a session leaves must not reach the next one, in either
// direction: outputs, descriptors, limits, requests to stop, faults, programs.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <map>

#include "worker_driver.h"

namespace zvm::test {
namespace {

constexpr uint8_t kExited = 0, kTrapped = 1, kLimited = 2, kCancelled = 3, kFailed = 4;

struct Answer {
  WireReport report;
  std::string texts, output;

  std::string program() const { return {report.program_sha256_hex, 64}; }
  bool mapped() const { return (report.flags & kReportImageMapped) != 0; }
};

// A worker without a bound on its tasks, and the images that it is given.
class Reused {
 public:
  explicit Reused(const char* tasks = "0") : worker_("session", tasks) {}

  WorkerDriver& worker() { return worker_; }

  // Sends a session of build/guest/NAME.nexe; `input` becomes its standard input.
  void Start(const std::string& name, StartOptions options = {}, int input = -1) {
    static std::map<std::string, UniqueFd> images;
    if (!images.contains(name)) {
      images[name] = PrepareImage(name);
    }
    output_.Reset(memfd_create("output", MFD_CLOEXEC));
    int fds[] = {images[name].get(), null_.get(), output_.get(), input < 0 ? null_.get() : input};
    const bool named = !options.program_sha256_hex.empty();
    options.fd_count = named ? 3 : 4;
    sent_ = options.session_id;
    REQUIRE(worker_.Send(MakeStart(options), std::span(fds).subspan(named ? 1 : 0)) == 0);
  }
  Answer Take() {
    const Bytes frame = worker_.Receive();
    REQUIRE(As<WireHeader>(frame).type == static_cast<uint16_t>(FrameType::kReport));
    Answer answer;
    answer.report = As<WireReport>(frame);
    CHECK(answer.report.header.session_id == sent_);
    answer.texts = TextAt(frame, sizeof(WireReport) + answer.report.channel_count *
                                                          sizeof(WireReportChannel));
    char text[256];
    const ssize_t size = pread(output_.get(), text, sizeof text, 0);
    answer.output.assign(text, size > 0 ? static_cast<size_t>(size) : 0);
    return answer;
  }
  Answer Run(const std::string& name, const StartOptions& options = {}) {
    Start(name, options);
    return Take();
  }
  // The worker still is one: hello comes out right.
  void CheckAlive() {
    const Answer answer = Run("asm/hello");
    CHECK(answer.output == "hello world\n");
    CHECK(answer.report.outcome == kExited);
  }

 private:
  WorkerDriver worker_;
  UniqueFd null_ = UniqueFd(open("/dev/null", O_RDWR | O_CLOEXEC));
  UniqueFd output_;
  uint64_t sent_ = 0;
};

TEST_CASE("the peak of the memory is that of the session, not of one before") {
  Reused worker;
  const uint64_t large = worker.Run("asm/touch").report.peak_memory_bytes;
  const uint64_t small = worker.Run("asm/hello").report.peak_memory_bytes;
  CHECK(small > 100'000);
  CHECK(small + (8 << 20) < large);
  // And back, with nothing left to fault in.
  CHECK(worker.Run("asm/hello").report.peak_memory_bytes + (8 << 20) < large);
  CHECK(worker.Run("asm/touch").report.peak_memory_bytes > small + (8 << 20));
}

size_t OpenDescriptors(pid_t pid) {
  size_t count = 0;
  for (int fd = 0; fd < 300; ++fd) {
    char target[64];
    const std::string path = "/proc/" + std::to_string(pid) + "/fd/" + std::to_string(fd);
    count += readlink(path.c_str(), target, sizeof target) >= 0;
  }
  return count;
}

}  // namespace

TEST_CASE("hello says how many tasks; after that many the worker ends") {
  Reused three("3");
  CHECK(As<WireHello>(three.worker().hello()).tasks_max == 3);
  CHECK(three.Run("asm/hello").mapped());
  CHECK(three.Run("asm/exit_code").report.outcome == kExited);
  three.CheckAlive();
  CHECK(three.worker().Wait() == 0);
  Reused any;
  CHECK(As<WireHello>(any.worker().hello()).tasks_max == 0);
  any.worker().CloseSocket();
  CHECK(any.worker().Wait() == 0);
}

TEST_CASE("a worker of one task never says that its image stays") {
  Reused one("1");
  CHECK_FALSE(one.Run("asm/hello").mapped());
  CHECK(one.worker().Wait() == 0);
}

TEST_CASE("hundreds of sessions: the same answers, no descriptor more") {
  Reused reused;
  const Answer first = reused.Run("asm/hello");
  const size_t descriptors = OpenDescriptors(reused.worker().pid());
  CHECK(descriptors > 3);
  for (int i = 0; i < 300; ++i) {
    const Answer answer = reused.Run("asm/hello", {.session_id = static_cast<uint64_t>(i)});
    CHECK(answer.output == "hello world\n");
    CHECK(answer.program() == first.program());
    CHECK(answer.report.exit_code == 0);
  }
  CHECK(OpenDescriptors(reused.worker().pid()) == descriptors);
}

TEST_CASE("the mapped image is named, not sent; another name is refused by the session") {
  Reused reused;
  const StartOptions wrong = {.program_sha256_hex = std::string(64, 'a')};
  CHECK(reused.Run("asm/hello", wrong).texts.starts_with("image-not-mapped"));
  const Answer first = reused.Run("asm/hello");
  REQUIRE(first.mapped());
  const Answer named = reused.Run("asm/hello", {.program_sha256_hex = first.program()});
  CHECK(named.output == "hello world\n");
  CHECK(named.program() == first.program());
  CHECK(named.mapped());
  const Answer refused = reused.Run("asm/hello", wrong);
  CHECK(refused.report.outcome == kFailed);
  CHECK(refused.texts.starts_with("image-not-mapped"));
  CHECK_FALSE(refused.mapped());
  // Another program takes its place; then the first name means nothing any more.
  const Answer other = reused.Run("asm/exit_code");
  CHECK(other.mapped());
  CHECK(other.program() != first.program());
  CHECK(reused.Run("asm/hello", {.program_sha256_hex = first.program()}).report.outcome == kFailed);
  CHECK(reused.Run("asm/exit_code", {.program_sha256_hex = other.program()}).report.outcome ==
        kExited);
}

TEST_CASE("faults, bad traps and limits end one session, not the worker") {
  Reused reused;
  for (int round = 0; round < 3; ++round) {
    CHECK(reused.Run("attack/null-read").report.outcome == kTrapped);
    CHECK(reused.Run("attack/stack-exhaustion").report.outcome == kTrapped);
    CHECK(reused.Run("attack/trap-block-null").report.outcome == kTrapped);
    CHECK(reused.Run("attack/jump-trampoline-slot-1").report.outcome == kTrapped);
    CHECK(reused.Run("attack/float-unmasked").report.outcome <= kTrapped);
    CHECK(reused.Run("attack/direction-flag-fault").report.outcome <= kTrapped);
    reused.CheckAlive();
  }
}

TEST_CASE("limits belong to one session: the wall's, the processor's, none, shorter, longer") {
  Reused reused;
  for (const uint64_t wall_ms : {30u, 10u, 60u}) {
    const Answer spun = reused.Run("asm/spin", {.wall_ms = wall_ms});
    CHECK(spun.report.outcome == kLimited);
    CHECK(spun.texts.starts_with("limit-wall-time"));
    CHECK(spun.report.wall_us >= wall_ms * 1000);
    CHECK(spun.report.wall_us < (wall_ms + 500) * 1000);
    const Answer cpu = reused.Run("asm/spin", {.wall_ms = 10'000, .cpu_ms = 20});
    CHECK(cpu.texts.starts_with("limit-cpu-time"));
    CHECK(cpu.report.user_cpu_us + cpu.report.system_cpu_us < 500'000);
    reused.CheckAlive();
  }
  // A timer of the last session fires in one without a limit, and in one with a later limit.
  CHECK(reused.Run("asm/hello", {.wall_ms = 40}).report.outcome == kExited);
  reused.Start("asm/spin", {.wall_ms = 0, .session_id = 77});
  usleep(80'000);
  reused.worker().Cancel(77);
  CHECK(reused.Take().report.outcome == kCancelled);
  CHECK(reused.Run("asm/hello", {.wall_ms = 30}).report.outcome == kExited);
  CHECK(reused.Run("asm/spin", {.wall_ms = 100}).report.wall_us >= 100'000);
}

TEST_CASE("a blocking trap ends at the wall limit, again and again") {
  Reused reused;
  int ends[2];
  REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
  const UniqueFd read_end(ends[0]), write_end(ends[1]);
  for (int i = 0; i < 4; ++i) {
    reused.Start("asm/wait_input", {.wall_ms = 20}, read_end.get());
    const Answer answer = reused.Take();
    CHECK(answer.report.outcome == kLimited);
    CHECK(answer.report.wall_us < 500'000);
    reused.CheckAlive();
  }
}

TEST_CASE("a cancel names its session: not the one before, not the one after") {
  Reused reused;
  reused.Start("asm/spin", {.session_id = 5});
  usleep(20'000);
  reused.worker().Cancel(4);  // long over
  reused.worker().Cancel(6);  // not begun
  usleep(20'000);
  reused.worker().Cancel(5);
  CHECK(reused.Take().report.outcome == kCancelled);
  reused.worker().Cancel(5);  // late
  CHECK(reused.Run("asm/hello", {.session_id = 7}).report.outcome == kExited);
  CHECK(reused.Run("asm/hello", {.session_id = 6}).report.outcome == kCancelled);
  reused.CheckAlive();
  for (uint64_t id = 100; id < 200; ++id) {
    reused.Start("asm/spin", {.session_id = id});
    reused.worker().Cancel(id);
    reused.worker().Cancel(id - 1);
    CHECK(reused.Take().report.outcome == kCancelled);
  }
  reused.CheckAlive();
}

TEST_CASE("SIGTERM ends the session and the worker behind it; an idle one at once") {
  Reused busy;
  busy.CheckAlive();
  busy.Start("asm/spin");
  usleep(20'000);
  kill(busy.worker().pid(), SIGTERM);
  const Answer answer = busy.Take();
  CHECK(answer.report.outcome == kCancelled);
  CHECK_FALSE(answer.mapped());
  CHECK(busy.worker().Wait() == 0);
  Reused idle;
  idle.CheckAlive();
  kill(idle.worker().pid(), SIGTERM);
  CHECK(idle.worker().Wait() == 0);
}

TEST_CASE("what makes no session leaves the worker as it was") {
  Reused reused;
  const Answer first = reused.Run("asm/hello");
  CHECK(reused.Run("asm/hello", {.memory_bytes = 4096}).report.outcome == kFailed);
  CHECK(reused.Run("asm/exit_code", {.memory_bytes = 4096}).report.outcome == kFailed);
  CHECK(reused.Run("asm/hello", {.program_sha256_hex = first.program()}).mapped());
  for (const int64_t memory_bytes : {64 << 20, 32 << 20, 256 << 20}) {
    const Answer answer = reused.Run("asm/hello", {.memory_bytes = memory_bytes});
    CHECK(answer.output == "hello world\n");
    CHECK(answer.report.memory_bytes == static_cast<uint64_t>(memory_bytes));
  }
}

TEST_CASE("role prepare takes one task") {
  const UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  WorkerDriver worker("prepare", "0", "zvm-worker", null.get());
  CHECK(worker.hello().empty());
  CHECK(worker.Wait() == 82);
}

}  // namespace zvm::test
