// The story of one session, from a manifest to a report: prepare, check, map, open, lock down, run,
// close, report. Used once per process by zvm-run.
#pragma once

#include <cstdint>
#include <span>

#include "base/failure.h"
#include "channel/channel_table.h"
#include "channel/digest.h"
#include "manifest/manifest.h"
#include "report/report.h"
#include "sandbox/time_limits.h"
#include "session/trace.h"
#include "validator/validator.h"

namespace zvm {

// A session whose program may become a daemon at its checkpoint (session/daemon): the snapshot, and
// where the positions of its channels are written once there is one.
struct BecomesDaemon {
  int snapshot_fd = -1;
  int told_fd = -1;
};

// One of a daemon's sessions: starts from a sealed snapshot, at these positions.
struct OfDaemon {
  int snapshot_fd = -1;
  std::span<const ChannelPosition> positions;
};

struct SessionOptions {
  ReportFormat report_format = ReportFormat::kText;
  DigestAlgorithm etag_algorithm = DigestAlgorithm::kSha1;
  // Profile kZvm accepts both rule sets. rdtsc is refused: it would make runs differ.
  ValidatorPolicy policy = {.profile = Profile::kZvm,
                            .features = CpuFeatures::OfThisCpu(),
                            .refuse_rdtsc = true};
  TimeLimits limits;               // wall_ms 0 = the manifest's Timeout
  bool preallocate = true;         // -P turns it off
  bool stop_before_entry = false;  // -F
  int image_fd = -1;               // a sealed image to run instead of the manifest's program
  const char* make_snapshot_path = nullptr;  // a new file
  const char* snapshot_path = nullptr;       // of a snapshot to start from
  BecomesDaemon becomes_daemon;
  OfDaemon of_daemon;
  bool length_prefix = false;                // before the report: 0x and six digits
  int verbosity = 0;               // 1: failures, 2: also traps, to standard error
  bool show_lockdown = false;      // also tells on standard error which walls are up
};

// Runs the session and writes its report. Returns the exit status of the process (docs/abi.md §9);
// the caller must end with _exit, because destructors would ask the locked-down kernel for things.
// A guest that ends regularly gives 0 whatever its own exit code.
int RunSession(Manifest manifest, const SessionOptions& options, Trace& trace);

// Writes the report of a session that could not even begin: `failure` came from arguments or
// manifest.
int ReportFailure(const Failure& failure, ReportFormat format, bool length_prefix = false);

}  // namespace zvm
