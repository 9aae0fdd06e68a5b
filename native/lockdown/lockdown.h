// The outer wall: what the process gives up before it touches untrusted bytes. A page of verbs
// whose order is the security argument (lockdown.cc); each is applied for good and read back. The
// system calls that remain are the table in policy.cc. Threat model: docs/threat-model.md.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <span>

#include "base/failure.h"
#include "base/text_buffer.h"

namespace zvm {

// kPrepare: a process that parses and validates one program: memory, reads of an open file,
//           writes into one memfd, exit. Nothing else; no memory can become executable.
// kRun:     a process that is about to enter a guest: I/O on the open channels, mprotect inside
//           the guest window, timers that already run, exit.
// Those of a worker, entered before its first frame comes:
// kServePrepare: kPrepare, and receiving a frame.
// kServe:   kRun, and receiving a frame with descriptors, looking at them, memory, mapping a
//           prepared image in the window, arming timers, and NarrowToRun.
// kServeWarm: a worker that runs many sessions, guests included: kServe without narrowing, without
//           a processor timer that could be disarmed, and giving guest memory back.
enum class LockdownStage : uint8_t { kPrepare, kRun, kServePrepare, kServe, kServeWarm };

// Backstops set as resource limits. A lower limit already in force stays in force.
struct LockdownLimits {
  uint64_t address_space_bytes = 0;   // RLIMIT_AS, counts the 84 GiB of a guest window; 0 = leave
  uint64_t file_size_bytes = 0;       // RLIMIT_FSIZE; 0 = leave
  uint64_t cpu_seconds = 0;           // RLIMIT_CPU, SIGKILL one second later; 0 = leave
  uint64_t data_bytes = 0;            // RLIMIT_DATA, private writable memory; 0 = leave
};

struct LockdownOptions {
  LockdownStage stage = LockdownStage::kRun;
  LockdownLimits limits;
  // Strictly ascending, all open; all others are closed. No new descriptor can be made afterwards
  // unless descriptors_max allows it.
  // poll() takes at most as many entries as the lowest number missing here: keep 0 open.
  std::span<const int> keep_descriptors;
  // Numbers below this may be filled later, by descriptors that come with a frame; 0 = none.
  unsigned descriptors_max = 0;
  // The process that started this one: when it dies, or has died already, this one dies too (the
  // kernel watches the thread that forked). 0 = live on.
  pid_t owner_pid = 0;
  uid_t unprivileged_uid = 65534;         // taken when running as root; never 0
  gid_t unprivileged_gid = 65534;
  // Enter new namespaces. Off by default: a network namespace costs 0.3 ms to make and more to
  // tear down, and without socket and open calls there is nothing left that it could forbid.
  bool namespaces = false;
  // Turn speculative store bypass and indirect branch speculation off where the kernel lets a
  // process choose. Off by default: it slows the guest, and no secret lives in the process that
  // runs it.
  bool speculation_controls = false;
};

// What is in force after a lockdown: for --show-lockdown. Every field is what the kernel answered
// afterwards.
struct LockdownStatus {
  bool single_thread = false;          // no other thread or process shares this memory
  bool no_new_privs = false;
  bool not_dumpable = false;
  bool privileges_dropped = false;     // uid and gid are unprivileged, capability sets are empty
  bool groups_dropped = false;         // no supplementary group is left
  bool descriptors_closed = false;
  bool rlimits = false;
  bool seccomp = false;
  bool landlock = false;
  int landlock_abi = 0;                // 0 = the kernel has none
  bool namespaces = false;             // network, ipc, mount and host-name namespaces entered
  bool memory_deny_write_execute = false;  // kernel-side W^X; kPrepare only: jail needs the gain
  bool speculation_controls = false;
  bool dies_with_owner = false;
  unsigned seccomp_instructions = 0;
  uid_t uid = 0;
  gid_t gid = 0;
};

// Applies everything, in order; fails closed: a wall that the kernel offers and that cannot be
// raised is a failure (status EPERM, codes "lockdown-..."); the caller must then end the process
// without touching untrusted bytes. What the kernel does not offer is left out and told in
// `status`. For a process with one thread, once. Does not allocate. The system calls that remain
// are fewer than libc takes for granted: fstat() must be syscall(SYS_fstat), raise() and abort()
// end in SIGSYS.
[[nodiscard]] Failure Lockdown(const LockdownOptions& options, LockdownStatus* status);

// From kServe to kRun, for good: right before a guest is entered that is the last one of this
// process. Lowers `limits` first: only now a session's are known. Nothing of `status` changes but
// its number of filter instructions.
[[nodiscard]] Failure NarrowToRun(LockdownStatus* status, const LockdownLimits& limits = {});

// Forks a child that applies `options` (its descriptors are replaced by one socket to the parent)
// and reads from outside, in /proc, what the kernel holds for it. Not for a process that is locked
// down.
[[nodiscard]] Failure ProbeLockdown(const LockdownOptions& options, LockdownStatus* status);

// Renders what is in force, one `name: value` line each, or one JSON object.
void RenderLockdown(const LockdownStatus& status, bool json, TextBuffer& out);

}  // namespace zvm
