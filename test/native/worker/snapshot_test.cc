// Snapshots through the wire: making one, bringing one, naming the one that is in place; what a
// worker refuses and stays usable behind.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sandbox/image.h"
#include "worker_driver.h"

namespace zvm::test {
namespace {

constexpr uint8_t kExited = 0, kFailed = 4;
constexpr int32_t kFirst = 128, kStarted = 129;  // exit codes of asm/checkpoint

struct Answer {
  WireReport report;
  std::string reason;

  bool made() const { return (report.flags & kReportSnapshotMade) != 0; }
  bool mapped() const { return (report.flags & kReportImageMapped) != 0; }
  std::string program() const { return {report.program_sha256_hex, 64}; }
};

class Snapshots {
 public:
  explicit Snapshots(const char* tasks = "0") : worker_("session", tasks) {}

  // `snapshot` < 0: none travels.
  Answer Run(StartOptions options, int snapshot = -1, const std::string& program = "checkpoint") {
    const UniqueFd image = PrepareImage("asm/" + program);
    std::vector<int> fds;
    if (options.program_sha256_hex.empty() && (options.flags & kStartMappedImage) == 0) {
      fds.push_back(image.get());
    }
    if (snapshot >= 0) {
      fds.push_back(snapshot);
    }
    fds.insert(fds.end(), {null_.get(), null_.get(), null_.get()});
    options.fd_count = static_cast<uint16_t>(fds.size());
    REQUIRE(worker_.Send(MakeStart(options), fds) == 0);
    const Bytes frame = worker_.Receive();
    REQUIRE(As<WireHeader>(frame).type == static_cast<uint16_t>(FrameType::kReport));
    Answer answer;
    answer.report = As<WireReport>(frame);
    answer.reason = TextAt(frame, sizeof(WireReport) + answer.report.channel_count *
                                                           sizeof(WireReportChannel));
    answer.reason.resize(std::min<size_t>(answer.reason.size(), answer.report.reason_size));
    return answer;
  }
  UniqueFd Make() {
    auto file = MakeImageFile();
    REQUIRE(file.ok());
    REQUIRE(Run({.flags = kStartMakeSnapshot}, file.value().get()).made());
    REQUIRE_FALSE(SealImage(file.value().get()).failed());
    return std::move(file.value());
  }
  WorkerDriver& worker() { return worker_; }

 private:
  WorkerDriver worker_;
  UniqueFd null_ = UniqueFd(open("/dev/null", O_RDWR | O_CLOEXEC));
};

}  // namespace

TEST_CASE("a snapshot is made, brought, named, left out and named in vain") {
  Snapshots worker;
  const UniqueFd snapshot = worker.Make();
  const Answer plain = worker.Run({});
  CHECK(plain.report.exit_code == kFirst);
  CHECK_FALSE(plain.made());
  CHECK(worker.Run({.flags = kStartSnapshot, .snapshot_name = 7}, snapshot.get())
            .report.exit_code == kStarted);
  const StartOptions named = {.flags = kStartSnapshot | kStartMappedImage, .snapshot_name = 7};
  for (int i = 0; i < 100; ++i) {
    const Answer answer = worker.Run(named);
    REQUIRE(answer.report.exit_code == kStarted);
    REQUIRE(answer.mapped());
  }
  // Another name, then a session without one: then the name is no longer good.
  StartOptions other = named;
  other.snapshot_name = 8;
  CHECK(worker.Run(other).reason == "image-not-mapped");
  CHECK(worker.Run(named).report.exit_code == kStarted);
  CHECK(worker.Run({.program_sha256_hex = plain.program()}).report.exit_code == kFirst);
  CHECK(worker.Run(named).reason == "image-not-mapped");
  CHECK(worker.Run({}).report.exit_code == kFirst);
}

TEST_CASE("the program that is mapped makes a snapshot of itself") {
  Snapshots worker;
  const std::string program = worker.Run({}).program();
  auto file = MakeImageFile();
  REQUIRE(file.ok());
  CHECK(worker.Run({.flags = kStartMakeSnapshot, .program_sha256_hex = program},
                   file.value().get())
            .made());
  REQUIRE_FALSE(SealImage(file.value().get()).failed());
  CHECK(worker.Run({.flags = kStartSnapshot}, file.value().get()).report.exit_code == kStarted);
}

TEST_CASE("workers of a single session make and use snapshots behind the narrowest wall") {
  Snapshots maker("1"), user("1");
  const UniqueFd snapshot = maker.Make();
  CHECK(user.Run({.flags = kStartSnapshot}, snapshot.get()).report.exit_code == kStarted);
  CHECK(maker.worker().Wait() == 0);
  CHECK(user.worker().Wait() == 0);
}

TEST_CASE("what is no snapshot of this program is a failed report") {
  Snapshots worker;
  const UniqueFd snapshot = worker.Make();
  auto open_file = MakeImageFile();
  REQUIRE(open_file.ok());
  const auto reason = [&](const StartOptions& options, int fd, const char* program) {
    const Answer answer = worker.Run(options, fd, program);
    CHECK(answer.report.outcome == kFailed);
    return answer.reason;
  };
  const StartOptions with = {.flags = kStartSnapshot};
  CHECK(reason(with, open_file.value().get(), "checkpoint") == "snapshot-invalid");
  CHECK(reason(with, snapshot.get(), "hello") == "snapshot-mismatch");
  CHECK(reason({.memory_bytes = 64 << 20, .flags = kStartSnapshot}, snapshot.get(),
               "checkpoint") == "snapshot-mismatch");
  // A descriptor that cannot be written to.
  CHECK(reason({.flags = kStartMakeSnapshot}, snapshot.get(), "checkpoint") == "snapshot-failed");
  CHECK(worker.Run(with, snapshot.get()).report.exit_code == kStarted);
  CHECK(worker.Run({}, -1, "hello").report.outcome == kExited);
}

TEST_CASE("a frame that asks for both is refused") {
  Snapshots worker;
  const Bytes frame = MakeStart({.flags = kStartSnapshot | kStartMakeSnapshot});
  const UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  const int fds[] = {null.get(), null.get(), null.get(), null.get()};
  REQUIRE(worker.worker().Send(frame, fds) == 0);
  CHECK(As<WireRefusal>(worker.worker().Receive()).reason ==
        static_cast<uint32_t>(FrameError::kField));
}

}  // namespace zvm::test
