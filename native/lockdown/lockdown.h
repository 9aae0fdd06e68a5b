// The outer wall: what the process gives up before it touches untrusted bytes. A page of verbs whose
// order is the security argument; each is applied for good. Threat model: docs/threat-model.md.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <span>

#include "base/failure.h"
#include "base/text_buffer.h"

namespace zvm {

// kPrepare: a process that parses and validates one program: memory, reads of an open file, writes
//           into one memfd, exit. Nothing else.
// kRun:     a process that is about to enter a guest: positioned and sequential I/O on the open channels,
//           mprotect inside the guest window, timers that already run, exit.
enum class LockdownStage : uint8_t { kPrepare, kRun };

struct LockdownLimits {
  uint64_t address_space_bytes = 0;   // RLIMIT_AS; 0 = leave
  uint64_t file_size_bytes = 0;       // RLIMIT_FSIZE; 0 = leave
  uint64_t cpu_seconds = 0;           // RLIMIT_CPU backstop; 0 = leave
};

struct LockdownOptions {
  LockdownStage stage = LockdownStage::kRun;
  LockdownLimits limits;
  std::span<const int> keep_descriptors;  // ascending; all others are closed
  uid_t unprivileged_uid = 65534;         // taken when running as root
  gid_t unprivileged_gid = 65534;
};

// What is in force after a lockdown (or would be): for --show-lockdown.
struct LockdownStatus {
  bool no_new_privs = false;
  bool not_dumpable = false;
  bool privileges_dropped = false;     // uid and gid are unprivileged, capability sets are empty
  bool descriptors_closed = false;
  bool rlimits = false;
  bool seccomp = false;
  bool landlock = false;
  int landlock_abi = 0;                // 0 = the kernel has none
  bool namespaces = false;             // user + network + ipc (+ pid, mount) namespaces entered
  uid_t uid = 0;
};

// Applies everything, in order; fails closed: a wall that the kernel offers and that cannot be raised
// is a failure (status EPERM, codes "lockdown-..."). What the kernel does not offer is left out and
// told in `status`. Does not allocate.
[[nodiscard]] Failure Lockdown(const LockdownOptions& options, LockdownStatus* status);

// Renders what is in force, one `name: value` line each, or one JSON object.
void RenderLockdown(const LockdownStatus& status, bool json, TextBuffer& out);

}  // namespace zvm
