// Sessions in a worker that tells what each guest finds (entry_check_on.cc), and the same session
// as the first one of another worker, for comparison.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "worker_driver.h"

namespace zvm::test {

// What a session is, as far as its guest can see at its entry.
struct SessionShape {
  std::string program;  // build/guest/NAME.nexe
  int64_t memory_bytes = 32 << 20;
  uint16_t channel_count = 3;
  bool snapshot = false;  // starts from SnapshotOf it

  auto operator<=>(const SessionShape&) const = default;
};

// The prepared image of build/guest/NAME.nexe, -1 when the validator refuses it. Remembered.
int ImageOf(const std::string& program);

// Instead of a line: the time of the session was over before its guest was entered.
inline const std::string kNotEntered = "-";

// The sealed snapshot of the shape's program, made once by another worker.
int SnapshotOf(const SessionShape& shape);

class CheckedWorker {
 public:
  // `program`: zvm-worker-checked, or zvm-worker-no-reset for the control.
  explicit CheckedWorker(const char* program = "zvm-worker-checked");

  // Runs one session with `input` on stdin and returns the line of its entry, kNotEntered, or ""
  // when the worker is gone.
  std::string Run(const SessionShape& shape, const std::string& input, uint64_t wall_ms = 20);
  // Runs one that ends at its checkpoint. -1: no snapshot was made.
  UniqueFd MakeSnapshot(const SessionShape& shape);
  // Of the last session.
  uint8_t outcome() const { return outcome_; }
  int Wait() { return worker_.Wait(); }

 private:
  std::string ReadLine();
  Bytes Exchange(const SessionShape& shape, const std::string& input, uint64_t wall_ms,
                 uint32_t flags, int snapshot);

  UniqueFd lines_read_, lines_write_;
  WorkerDriver worker_;
  uint64_t session_id_ = 0;
  uint8_t outcome_ = 0;
};

// The line of `shape` in a worker that has run nothing before. Remembered.
const std::string& FreshLine(const SessionShape& shape);

// The shape that `seed` stands for, and its input. `snapshots`: some start from one.
SessionShape RandomShape(uint64_t seed, bool snapshots);
std::string RandomInput(uint64_t seed);

// Runs `count` random sessions from `seed` on and returns how many found something else than a
// fresh worker's; prints the first few.
uint64_t CountDifferences(CheckedWorker& worker, uint64_t count, uint64_t seed,
                          bool snapshots = true);

}  // namespace zvm::test
