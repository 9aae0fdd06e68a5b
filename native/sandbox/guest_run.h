// One run of a guest: from entry to its end. The caller has mapped everything, opened the channels,
// armed the limits and raised the outer wall; here the guest runs and its traps are served.
#pragma once

#include <cstdint>
#include <span>

#include "base/failure.h"
#include "base/stop_request.h"
#include "channel/channel_table.h"
#include "sandbox/address_space.h"
#include "validator/validator.h"

namespace zvm {

// How a guest ended.
enum class GuestEnd : uint8_t {
  kExited,         // trap exit
  kFaulted,        // a synchronous signal with rip inside the 84 GiB window
  kBadTrampoline,  // it entered a trampoline without a service
  kBadTrap,        // its argument block or its stack cannot be read
  kChannelFailed,  // host I/O failed: channels->failure()
  kStopped,        // stop->reason()
  kCheckpoint,     // trap fork of a session that makes a snapshot: checkpoint->failure()
};

struct GuestFault {
  int signal = 0;
  uint64_t rip = 0;         // host form; always inside the window or its guards
  uint64_t registers[16] = {};  // rax rbx rcx rdx rsi rdi rbp rsp r8..r15
};

struct GuestOutcome {
  GuestEnd end = GuestEnd::kStopped;
  int32_t exit_code = 0;       // kExited
  GuestFault fault;            // kFaulted
  uint32_t trampoline = 0;     // kBadTrampoline: slot number, 1..2047
  uint32_t trap_block = 0;     // kBadTrap
};

// One served trap, for the trace.
struct TrapRecord {
  uint64_t function;
  uint64_t arguments[4];
  int64_t result;
};

// Sees every trap after it was served. Must not allocate. nullptr = no trace.
class TrapObserver {
 public:
  virtual void OnTrap(const TrapRecord& record) = 0;

 protected:
  ~TrapObserver() = default;
};

class Checkpoint;
struct SnapshotRegisters;

// What the fork trap returns: nothing has happened, or the session starts here from a snapshot.
inline constexpr int32_t kForkNothing = 0;
inline constexpr int32_t kForkStarted = 1;

// What a run works on. All pointers are borrowed and outlive RunGuest.
struct GuestRun {
  AddressSpace* space = nullptr;
  ChannelTable* channels = nullptr;
  StopRequest* stop = nullptr;
  TrapObserver* observer = nullptr;
  ValidatorPolicy jail_policy;            // the same profile as the session
  std::span<uint8_t> jail_scratch;        // ValidatorScratchBytes(kJailSizeMax)
  uint32_t entry = 0;
  const SnapshotRegisters* start = nullptr;  // checked; instead of `entry`: behind a checkpoint
  int32_t start_result = kForkStarted;    // what the fork trap returns there
  Checkpoint* checkpoint = nullptr;       // this session makes a snapshot
  bool daemon_requested = false;          // the manifest names a Job: fork is refused (-ENOSYS)
};

// The largest block that jail accepts at once; a larger one is -EINVAL. Bounds the time that a trap
// can take and the scratch memory of its validation.
inline constexpr size_t kJailSizeMax = 16 << 20;

// Sets gs base to the window for this thread and verifies it. Before lockdown: needs arch_prctl.
[[nodiscard]] Failure SetGuestSegmentBase();

// Writes down where and with which registers the guest of `run` is entered.
void SetGuestStart(const GuestRun& run);
// Enters it there; back when it has left.
void EnterGuestAtStart(const GuestRun& run);

// Both, and what happened. Returns when the guest has ended. One call at a time per process, on the
// thread that called SetGuestSegmentBase. Signal handlers (faults.h) must be installed.
GuestOutcome RunGuest(const GuestRun& run);

}  // namespace zvm
