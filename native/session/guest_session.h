// One session from a prepared image to the facts of its report, and what a process sets up before
// it knows any session. Shared by zvm-run and zvm-worker, which differ in where a request comes
// from, when the outer wall is raised and where the report goes.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/failure.h"
#include "base/stop_request.h"
#include "channel/channel_table.h"
#include "lockdown/lockdown.h"
#include "report/report.h"
#include "sandbox/address_space.h"
#include "sandbox/checkpoint.h"
#include "sandbox/faults.h"
#include "sandbox/guest_run.h"
#include "sandbox/image.h"
#include "sandbox/time_limits.h"
#include "session/ending.h"
#include "session/peak_memory.h"
#include "session/trace.h"

namespace zvm {

// Per process, once, before the outer wall: needs calls that it takes away.
struct SandboxProcess {
  StopRequest stop;
  AddressSpace space;
  std::span<uint8_t> jail_scratch;
  PeakMemory peak;
  // Private writable memory of this process before a session maps its own.
  uint64_t host_data_bytes = 0;

  // The processor is good enough; signals end sessions.
  [[nodiscard]] Failure SetUpSignals(TrustedFaultHandler on_trusted_fault);
  // Window, thunk, memory for jail, measures, segment base. peak.descriptor() must be kept open.
  [[nodiscard]] Failure SetUpMemory();
};

struct SessionRequest {
  int64_t memory_bytes = 0;
  bool memory_etag = false;
  bool daemon_requested = false;
  std::vector<ChannelSpec> channels;
  ChannelOptions channel_options;
  TimeLimits limits;
  ValidatorPolicy policy;  // rules for jail
  // The session starts from it, unless nullptr. Open; has passed its own checks only.
  const Snapshot* snapshot = nullptr;
  // The session makes a snapshot and ends at its checkpoint, unless nullptr; into `snapshot_fd`.
  Checkpoint* checkpoint = nullptr;
  int snapshot_fd = -1;
  // Of a daemon: the session before it may write, and those from it go on where its channels stood.
  bool continues = false;
};

// Room between the memory of a session and its backstop: what the host allocates for its channels
// and its report.
inline constexpr uint64_t kHostDataSlackBytes = 64 << 20;

// What a process has used of the processor and how many page faults it took, at some moment.
struct ProcessUsage {
  uint64_t user_us = 0;
  uint64_t system_us = 0;
  uint64_t faults = 0;
};

// The steps in their order; each is called once, and none after one that failed except End and
// FillReport. Only Run, End and FillReport may be called under LockdownStage::kRun.
class GuestSession {
 public:
  GuestSession(SandboxProcess& process, SessionRequest request)
      : process_(process), request_(std::move(request)) {}

  // A process that ran sessions before: what it had used at the end of the last one. Report and
  // limits count from there.
  void CountFrom(const ProcessUsage& usage) {
    before_ = usage;
    continues_ = true;
  }

  // Instead of in the request, before Check.
  void StartFrom(const Snapshot& snapshot) { request_.snapshot = &snapshot; }
  void MakeSnapshot(Checkpoint& checkpoint, int fd) {
    request_.checkpoint = &checkpoint;
    request_.snapshot_fd = fd;
  }

  // Everything that can be refused without touching the host. `image` outlives this object.
  [[nodiscard]] Failure Check(const PreparedImage& image);
  // Left out when AddressSpace has this image with this memory mapped from a session before.
  [[nodiscard]] Failure MapProgram();
  // The limits count from here: before the channels are opened, because a FIFO without a writer
  // must not wait for ever.
  [[nodiscard]] Failure StartClocks();
  // Opens the channels, whose descriptors it takes over also when it fails, and writes the user
  // manifest. Last step that allocates. The pages of a snapshot that is not in place already
  // (`snapshot_is_there`) are the caller's to lay down behind this.
  [[nodiscard]] Failure OpenChannels(bool snapshot_is_there = false);
  // What the kernel enforces behind the timers and the page rights, should the guest escape: more
  // processor time or writable memory than the session was granted. After MapProgram.
  LockdownLimits Backstops() const;
  // Enters the guest and returns when it has ended.
  void Run(TrapObserver* observer, int pagemap_fd);
  // What Run will enter.
  GuestRun Entry(TrapObserver* observer);
  void SetNotEntered() { ending_.SetNotEntered(); }

  // Ends the session, whatever happened before: digest of the memory, channels closed. `failure` is
  // that of the step that failed, if one did. `pagemap_fd`: an open /proc/self/pagemap, or -1.
  void End(const Failure& failure, int pagemap_fd);

  // Sets what this session knows; the verdict about the program is its caller's. `report` borrows
  // from this object.
  void FillReport(Report& report);
  // At the last FillReport.
  const ProcessUsage& usage() const { return usage_; }

  const ChannelTable& channels() const { return channels_; }
  const SessionRequest& request() const { return request_; }
  int status() const { return ending_.status(); }
  // Behind OpenChannels: false when these are not positions of its channels.
  [[nodiscard]] bool MoveChannels(std::span<const ChannelPosition> positions);
  void ContinueOthers() { request_.continues = true; }
  bool snapshot_made() const {
    return request_.checkpoint != nullptr && request_.checkpoint->made();
  }

 private:
  void MeasureTime(Report& report);
  void RefreshViews();

  SandboxProcess& process_;
  SessionRequest request_;
  const PreparedImage* image_ = nullptr;
  ChannelTable channels_;
  std::vector<ChannelView> views_;
  Ending ending_;
  DigestText memory_digest_;
  ProcessUsage before_, usage_;
  bool continues_ = false;
  const uint64_t start_us_ = MonotonicUs();
};

}  // namespace zvm
