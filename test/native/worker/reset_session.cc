#include "reset_session.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <iostream>

#include "base/check.h"
#include "sandbox/image.h"

namespace zvm::test {
namespace {

constexpr size_t kInputSizeBytes = 8192;
constexpr int kPrintedMax = 5;
constexpr uint64_t kFreshWallMs = 5000;

uint64_t Scramble(uint64_t value) {
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
  return value ^ (value >> 31);
}

UniqueFd PipeEnd(UniqueFd* other) {
  int ends[2];
  ZVM_CHECK(pipe2(ends, O_CLOEXEC) == 0);
  other->Reset(ends[0]);
  return UniqueFd(ends[1]);
}

int Null() {
  static const UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  return null.get();
}

}  // namespace

int ImageOf(const std::string& program) {
  static std::map<std::string, UniqueFd> images;
  if (!images.contains(program)) {
    images[program] = TryPrepareImage(program);
  }
  return images[program].get();
}

CheckedWorker::CheckedWorker(const char* program)
    : lines_write_(PipeEnd(&lines_read_)),
      worker_("session", "0", program, lines_write_.get()) {
  lines_write_.Reset();
}

// The line was written before the report: it is there now, or the guest was not entered.
std::string CheckedWorker::ReadLine() {
  pollfd waiting = {.fd = lines_read_.get(), .events = POLLIN, .revents = 0};
  if (poll(&waiting, 1, 0) != 1) {
    return kNotEntered;
  }
  std::string line;
  for (char byte = 0; byte != '\n' && read(lines_read_.get(), &byte, 1) == 1;) {
    line += byte;
  }
  return line;
}

// The answer, empty when the worker is gone.
Bytes CheckedWorker::Exchange(const SessionShape& shape, const std::string& input,
                              uint64_t wall_ms, uint32_t flags, int snapshot) {
  const UniqueFd standard_input(memfd_create("input", MFD_CLOEXEC));
  ZVM_CHECK(write(standard_input.get(), input.data(), input.size()) ==
            static_cast<ssize_t>(input.size()));
  ZVM_CHECK(lseek(standard_input.get(), 0, SEEK_SET) == 0);
  std::vector<int> fds = {ImageOf(shape.program)};
  if (snapshot >= 0) {
    fds.push_back(snapshot);
  }
  const size_t channels = fds.size();
  fds.insert(fds.end(), {Null(), Null(), standard_input.get()});
  fds.resize(channels + shape.channel_count, Null());
  const Bytes frame = MakeStart({.wall_ms = wall_ms,
                                 .memory_bytes = shape.memory_bytes,
                                 .fd_count = static_cast<uint16_t>(fds.size()),
                                 .flags = flags,
                                 .session_id = ++session_id_,
                                 .channel_count = shape.channel_count});
  return worker_.Send(frame, fds) == 0 ? worker_.Receive() : Bytes();
}

std::string CheckedWorker::Run(const SessionShape& shape, const std::string& input,
                               uint64_t wall_ms) {
  const int snapshot = shape.snapshot ? SnapshotOf(shape) : -1;
  const Bytes answer =
      Exchange(shape, input, wall_ms, shape.snapshot ? kStartSnapshot : 0, snapshot);
  if (answer.empty()) {
    return "";
  }
  outcome_ = As<WireReport>(answer).outcome;
  return ReadLine();
}

UniqueFd CheckedWorker::MakeSnapshot(const SessionShape& shape) {
  auto file = MakeImageFile();
  ZVM_CHECK(file.ok());
  const Bytes answer = Exchange(shape, "", kFreshWallMs, kStartMakeSnapshot,
                                file.value().get());
  ReadLine();
  const bool made = !answer.empty() && (As<WireReport>(answer).flags & kReportSnapshotMade) != 0;
  ZVM_CHECK(!made || !SealImage(file.value().get()).failed());
  return made ? std::move(file.value()) : UniqueFd();
}

int SnapshotOf(const SessionShape& shape) {
  static std::map<SessionShape, UniqueFd> snapshots;
  if (!snapshots.contains(shape)) {
    CheckedWorker worker;
    snapshots[shape] = worker.MakeSnapshot(shape);
  }
  return snapshots[shape].get();
}

const std::string& FreshLine(const SessionShape& shape) {
  static std::map<SessionShape, std::string> lines;
  if (!lines.contains(shape)) {
    CheckedWorker worker;
    lines[shape] = worker.Run(shape, std::string(kInputSizeBytes, 'x'), kFreshWallMs);
  }
  return lines[shape];
}

SessionShape RandomShape(uint64_t seed, bool snapshots) {
  const uint64_t random = Scramble(seed);
  SessionShape shape;
  // Most sessions of a worker are of one shape: that is what it is for.
  shape.program = random % 64 == 0 ? "asm/hello" : "reset/dirty";
  // Of a program with a checkpoint most start from a snapshot.
  if (snapshots && shape.program == "reset/dirty" && (seed / 16) % 2 == 0) {
    shape.program = "reset/dirty-snapshot";
    shape.snapshot = (random >> 40) % 4 != 0;
  }
  shape.memory_bytes = (random >> 8) % 128 == 0 ? 40 << 20 : 26 << 20;
  shape.channel_count = static_cast<uint16_t>((random >> 16) % 8 == 0 ? 3 + (random >> 24) % 5 : 3);
  return shape;
}

std::string RandomInput(uint64_t seed) {
  std::string input(kInputSizeBytes, 'i');
  const uint64_t random = Scramble(~seed);
  input.replace(0, sizeof random, reinterpret_cast<const char*>(&random), sizeof random);
  return input;
}

uint64_t CountDifferences(CheckedWorker& worker, uint64_t count, uint64_t seed,
                          bool snapshots) {
  uint64_t differences = 0, entered = 0;
  for (uint64_t i = 0; i < count; ++i) {
    const SessionShape shape = RandomShape(seed + i, snapshots);
    const std::string line = worker.Run(shape, RandomInput(seed + i));
    if (line.empty()) {
      std::cout << "session " << i << ": the worker is gone\n";
      return differences + 1;
    }
    if (line == kNotEntered) {
      continue;
    }
    ++entered;
    if (line != FreshLine(shape) && ++differences <= kPrintedMax) {
      std::cout << "session " << i << " of " << shape.program << " found\n  " << line
                << "instead of\n  " << FreshLine(shape);
    }
  }
  std::cout << entered << " of " << count << " sessions entered their guest, " << differences
            << " found something else than a fresh worker's\n";
  ZVM_CHECK(entered > count / 2);
  return differences;
}

}  // namespace zvm::test
