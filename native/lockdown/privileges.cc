// Steps about users, groups, capabilities and inspection by others. See steps.h.
// Raw system calls: libc's wrappers would signal threads that lockdown has shown not to exist.
#include <linux/capability.h>
#include <linux/securebits.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lockdown/steps.h"

namespace zvm {
namespace {

constexpr std::string_view kPrivileges = "lockdown-privileges";
constexpr unsigned long kCapabilitiesMax = 64;
constexpr unsigned long kSecureBits =
    SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |
    SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;

struct Ids {
  unsigned real = 0, effective = 0, saved = 0;
  bool Has(unsigned id) const { return real == id || effective == id || saved == id; }
  bool AllAre(unsigned id) const { return real == id && effective == id && saved == id; }
};

bool ReadIds(Ids* user, Ids* group) {
  return syscall(SYS_getresuid, &user->real, &user->effective, &user->saved) == 0 &&
         syscall(SYS_getresgid, &group->real, &group->effective, &group->saved) == 0;
}

// What only CAP_SETPCAP may do; without it there is nothing to lose, and the sets are emptied
// below.
void EmptyBoundingSet() {
  (void)prctl(PR_SET_SECUREBITS, kSecureBits, 0, 0, 0);
  for (unsigned long capability = 0; capability < kCapabilitiesMax; ++capability) {
    if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) {
      break;
    }
  }
}

bool EmptyCapabilitySets() {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct sets[2] = {};
  if (syscall(SYS_capset, &header, sets) != 0) {
    return false;
  }
  if (syscall(SYS_capget, &header, sets) != 0) {
    return false;
  }
  uint32_t left = 0;
  for (const auto& set : sets) {
    left |= set.effective | set.permitted | set.inheritable;
  }
  // The ambient set is a subset of the permitted and inheritable ones, so it is empty as well.
  return left == 0;
}

// Becomes the unprivileged user for good: real, effective and saved ids.
bool LeaveRoot(const LockdownOptions& options) {
  const gid_t gid = options.unprivileged_gid;
  const uid_t uid = options.unprivileged_uid;
  return uid != 0 && gid != 0 && syscall(SYS_setresgid, gid, gid, gid) == 0 &&
         syscall(SYS_setresuid, uid, uid, uid) == 0;
}

}  // namespace

Failure ForbidNewPrivileges(LockdownStatus* status) {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) {
    return LockdownFailure("lockdown-no-new-privs", "no_new_privs is not accepted");
  }
  status->no_new_privs = true;
  return {};
}

Failure DropPrivileges(const LockdownOptions& options, LockdownStatus* status) {
  Ids user, group;
  if (!ReadIds(&user, &group)) {
    return LockdownFailure(kPrivileges, "the user ids cannot be read");
  }
  const bool root = user.Has(0) || group.Has(0);
  EmptyBoundingSet();
  // Needs CAP_SETGID. An ordinary user keeps its groups and status tells so; root must not.
  (void)syscall(SYS_setgroups, 0, nullptr);
  status->groups_dropped = syscall(SYS_getgroups, 0, nullptr) == 0;
  if (root && !status->groups_dropped) {
    return LockdownFailure(kPrivileges, "root without CAP_SETGID cannot drop its groups");
  }
  if (root && !LeaveRoot(options)) {
    return LockdownFailure(kPrivileges, "root cannot become the unprivileged user");
  }
  if (!EmptyCapabilitySets()) {
    return LockdownFailure(kPrivileges, "capabilities are left");
  }
  if (!ReadIds(&user, &group) || user.Has(0) || group.Has(0) ||
      (root && !user.AllAre(options.unprivileged_uid)) ||
      (root && !group.AllAre(options.unprivileged_gid))) {
    return LockdownFailure(kPrivileges, "the unprivileged user is not in force");
  }
  // SAFETY: the way back is tried, not assumed to be shut.
  if (syscall(SYS_setresuid, -1, 0, -1) == 0 || syscall(SYS_setresgid, -1, 0, -1) == 0) {
    return LockdownFailure(kPrivileges, "root can be taken back");
  }
  status->uid = user.effective;
  status->gid = group.effective;
  status->privileges_dropped = true;
  return {};
}

Failure DieWithOwner(const LockdownOptions& options, LockdownStatus* status) {
  if (options.owner_pid == 0) {
    return {};
  }
  constexpr std::string_view kOwner = "lockdown-owner";
  int signal = 0;
  if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 ||
      prctl(PR_GET_PDEATHSIG, &signal, 0, 0, 0) != 0 || signal != SIGKILL) {
    return LockdownFailure(kOwner, "no signal when the owner dies");
  }
  // Asked after the signal is in force: an owner that dies from here on is noticed by the kernel.
  if (getppid() != options.owner_pid) {
    return LockdownFailure(kOwner, "the owner is gone");
  }
  status->dies_with_owner = true;
  return {};
}

Failure ForbidInspection(LockdownStatus* status) {
  // SAFETY: no ptrace, no /proc/<pid>/mem, no core of this process for others of the same user: a
  // tracer could move the gs base, on which gs-relative guest code relies.
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0) {
    return LockdownFailure("lockdown-dumpable", "the process stays dumpable");
  }
  status->not_dumpable = true;
  return {};
}

}  // namespace zvm
