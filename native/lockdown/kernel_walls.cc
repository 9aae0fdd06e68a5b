// Steps that put a wall of the kernel around the process: namespaces, Landlock, W^X, speculation
// controls, seccomp. See steps.h. Constants that Debian 12's headers lack are written out here.
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lockdown/policy.h"
#include "lockdown/steps.h"

namespace zvm {
namespace {

constexpr std::string_view kLandlock = "lockdown-landlock";
constexpr long kLandlockCreateRuleset = 444;
constexpr long kLandlockRestrictSelf = 446;
constexpr unsigned kLandlockVersionFlag = 1;
constexpr int kSetMdwe = 65;
constexpr int kGetMdwe = 66;
constexpr unsigned long kMdweRefuseExecGain = 1;

// struct landlock_ruleset_attr of ABI 6; older kernels know a prefix of it.
struct LandlockRuleset {
  uint64_t handled_access_fs;
  uint64_t handled_access_net;
  uint64_t scoped;
};

// Everything that ABI `abi` can deny.
LandlockRuleset DenyAll(int abi) {
  // Rights of the file system by ABI: 13, +refer, +truncate, (none), +device ioctl.
  const int fs_rights = abi >= 5 ? 16 : abi >= 3 ? 15 : abi == 2 ? 14 : 13;
  return {(uint64_t{1} << fs_rights) - 1, abi >= 4 ? uint64_t{3} : 0, abi >= 6 ? uint64_t{3} : 0};
}

// Identity of this process's network namespace, 0 when /proc cannot tell.
uint64_t NetworkNamespace() {
  struct stat info;
  return stat("/proc/self/ns/net", &info) == 0 ? info.st_ino : 0;
}

bool DisableSpeculation(unsigned long feature) {
  const int state = prctl(PR_GET_SPECULATION_CTRL, feature, 0, 0, 0);
  if (state < 0 || (state & PR_SPEC_PRCTL) == 0) {
    return (state > 0 && (state & (PR_SPEC_DISABLE | PR_SPEC_FORCE_DISABLE)) != 0) || state == 0;
  }
  (void)prctl(PR_SET_SPECULATION_CTRL, feature, PR_SPEC_FORCE_DISABLE, 0, 0);
  const int now = prctl(PR_GET_SPECULATION_CTRL, feature, 0, 0, 0);
  return now >= 0 && (now & (PR_SPEC_DISABLE | PR_SPEC_FORCE_DISABLE)) != 0;
}

}  // namespace

Failure RequireSingleThread(LockdownStatus* status) {
  // Asks to stop sharing what a single-threaded process does not share: no effect there, refused
  // when another thread or a process of vfork uses this memory.
  if (unshare(CLONE_THREAD | CLONE_SIGHAND | CLONE_VM) != 0) {
    return LockdownFailure("lockdown-threads", "another thread shares this memory");
  }
  status->single_thread = true;
  return {};
}

Failure EnterNamespaces(const LockdownOptions& options, LockdownStatus* status) {
  if (!options.namespaces) {
    return {};
  }
  const uint64_t before = NetworkNamespace();
  constexpr int kSpaces = CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWNS | CLONE_NEWUTS;
  // An ordinary user needs a user namespace around them; root must keep its own to become another
  // user.
  if (unshare(kSpaces) != 0 && unshare(CLONE_NEWUSER | kSpaces) != 0) {
    return {};  // not offered to this user on this host; status tells
  }
  const uint64_t after = NetworkNamespace();
  status->namespaces = before != 0 && after != 0 && before != after;
  return {};
}

Failure DenyFilesAndNetwork(LockdownStatus* status) {
  const long abi = syscall(kLandlockCreateRuleset, nullptr, size_t{0}, kLandlockVersionFlag);
  if (abi < 1) {
    return {};  // ENOSYS, EOPNOTSUPP: the kernel has none
  }
  status->landlock_abi = static_cast<int>(abi);
  const LandlockRuleset ruleset = DenyAll(status->landlock_abi);
  const size_t size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
  const int fd = static_cast<int>(syscall(kLandlockCreateRuleset, &ruleset, size, 0u));
  if (fd < 0) {
    return LockdownFailure(kLandlock, "Landlock refuses the rule set");
  }
  const bool restricted = syscall(kLandlockRestrictSelf, fd, 0u) == 0;
  close(fd);
  if (!restricted) {
    return LockdownFailure(kLandlock, "Landlock cannot be put in force");
  }
  const int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (root >= 0 || errno != EACCES) {
    return LockdownFailure(kLandlock, "the root directory can still be opened");
  }
  status->landlock = true;
  return {};
}

Failure DenyWriteExecute(const LockdownOptions& options, LockdownStatus* status) {
  // Where guests run it cannot be: jail makes memory that was writable executable, after
  // validating it.
  if (options.stage != LockdownStage::kPrepare &&
      options.stage != LockdownStage::kServePrepare) {
    return {};
  }
  if (prctl(kSetMdwe, kMdweRefuseExecGain, 0ul, 0ul, 0ul) != 0) {
    return errno == EINVAL ? Failure{}  // before Linux 6.3
                           : LockdownFailure("lockdown-write-execute", "PR_SET_MDWE failed");
  }
  status->memory_deny_write_execute =
      prctl(kGetMdwe, 0ul, 0ul, 0ul, 0ul) == static_cast<int>(kMdweRefuseExecGain);
  return status->memory_deny_write_execute
             ? Failure{}
             : LockdownFailure("lockdown-write-execute", "PR_SET_MDWE is not in force");
}

Failure ControlSpeculation(const LockdownOptions& options, LockdownStatus* status) {
  if (options.speculation_controls) {
    const bool store_bypass = DisableSpeculation(PR_SPEC_STORE_BYPASS);
    const bool indirect_branch = DisableSpeculation(PR_SPEC_INDIRECT_BRANCH);
    status->speculation_controls = store_bypass && indirect_branch;
  }
  return {};
}

Failure FilterSystemCalls(const LockdownOptions& options, LockdownStatus* status) {
  constexpr std::string_view kSeccomp = "lockdown-seccomp";
  const std::span<const sock_filter> code = PolicyProgram(options.stage);
  const sock_fprog program = {static_cast<unsigned short>(code.size()),
                              const_cast<sock_filter*>(code.data())};
  // No flags: one thread needs no TSYNC, and SPEC_ALLOW would give up the store-bypass mitigation
  // that the kernel may tie to seccomp, for no gain that could be measured.
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0u, &program) != 0) {
    return LockdownFailure(kSeccomp, "the system call filter is not accepted");
  }
  // SAFETY: asked through the filter itself, which allows this one question.
  if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) != SECCOMP_MODE_FILTER) {
    return LockdownFailure(kSeccomp, "the system call filter is not in force");
  }
  status->seccomp = true;
  status->seccomp_instructions = static_cast<unsigned>(code.size());
  return {};
}

}  // namespace zvm
