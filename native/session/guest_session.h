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
};

// Room between the memory of a session and its backstop: what the host allocates for its channels
// and its report.
inline constexpr uint64_t kHostDataSlackBytes = 64 << 20;

// The steps in their order; each is called once, and none after one that failed except End and
// FillReport. Only Run, End and FillReport may be called under LockdownStage::kRun.
class GuestSession {
 public:
  GuestSession(SandboxProcess& process, SessionRequest request)
      : process_(process), request_(std::move(request)) {}

  // Everything that can be refused without touching the host.
  [[nodiscard]] Failure Check(PreparedImage image);
  [[nodiscard]] Failure MapProgram();
  // Starts the clocks, opens the channels, writes the user manifest. Last step that allocates.
  [[nodiscard]] Failure OpenChannels();
  // What the kernel enforces behind the timers and the page rights, should the guest escape: more
  // processor time or writable memory than the session was granted. After MapProgram.
  LockdownLimits Backstops() const;
  // Enters the guest and returns when it has ended.
  void Run(TrapObserver* observer);
  void SetNotEntered() { ending_.SetNotEntered(); }

  // Ends the session, whatever happened before: digest of the memory, channels closed. `failure` is
  // that of the step that failed, if one did. `pagemap_fd`: an open /proc/self/pagemap, or -1.
  void End(const Failure& failure, int pagemap_fd);

  // Sets what this session knows; the verdict about the program is its caller's. `report` borrows
  // from this object.
  void FillReport(Report& report);

  const ChannelTable& channels() const { return channels_; }
  const SessionRequest& request() const { return request_; }
  const PreparedImage& image() const { return image_; }
  int status() const { return ending_.status(); }

 private:
  void MeasureTime(Report& report) const;
  void RefreshViews();

  SandboxProcess& process_;
  SessionRequest request_;
  PreparedImage image_;
  ChannelTable channels_;
  std::vector<ChannelView> views_;
  Ending ending_;
  DigestText memory_digest_;
  const uint64_t start_us_ = MonotonicUs();
};

}  // namespace zvm
