// Each wall alone, with the system call filter left out: what it stops when nothing else does.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/securebits.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "locked_child.h"
#include "lockdown/steps.h"

namespace zvm::test {
namespace {

using Attempt = long (*)();

constexpr const char* kFile = "/etc/passwd";
constexpr int kLandlockAbiNetwork = 4, kLandlockAbiSignals = 6;

// Runs `raise` (the wall) and then `attempt` in a child of `user`; the errno of the attempt, 0 when
// it succeeded. Without a wall the same attempt must succeed, or the experiment shows nothing.
int ErrnoBehind(User user, const std::function<bool()>& raise, Attempt attempt) {
  ChildOptions options;
  options.lock = false;
  options.user = user;
  CHECK(RunLocked(options, [&] { return attempt() >= 0 ? 0 : errno; }).exit_code == 0);
  return RunLocked(options, [&] {
           if (!raise()) return kLockdownFailed;
           return attempt() >= 0 ? 0 : errno;
         })
      .exit_code;
}

bool RaiseLandlock() {
  LockdownStatus status;
  return !ForbidNewPrivileges(&status).failed() && !DenyFilesAndNetwork(&status).failed();
}

bool RaiseLimits() {
  LockdownStatus status;
  const int keep[] = {0, 1, 2};
  LockdownOptions options;
  options.keep_descriptors = keep;
  // Limits on processes bind only those without privileges.
  return !LimitResources(options, &status).failed() && !DropPrivileges(options, &status).failed();
}

bool RaiseDenyWriteExecute() {
  LockdownStatus status;
  LockdownOptions options;
  options.stage = LockdownStage::kPrepare;
  return !DenyWriteExecute(options, &status).failed();
}

bool RaisePrivileges() {
  LockdownStatus status;
  return !DropPrivileges({}, &status).failed();
}

long OpenFile() { return open(kFile, O_RDONLY | O_CLOEXEC); }

long BindPort() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in any = {};
  any.sin_family = AF_INET;
  return bind(fd, reinterpret_cast<const sockaddr*>(&any), sizeof any);
}

long MakeWritableExecutable() {
  constexpr int kPrivate = MAP_PRIVATE | MAP_ANONYMOUS;
  void* const page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, kPrivate, -1, 0);
  return mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

// A child that ends at once, without the C library's work around fork.
long Fork() {
  const long pid = syscall(SYS_fork);
  if (pid == 0) {
    syscall(SYS_exit_group, 0);
  }
  return pid;
}

int LandlockAbi() {
  LockdownStatus status;
  CHECK_FALSE(ProbeLockdown({}, &status).failed());
  return status.landlock_abi;
}

}  // namespace

TEST_CASE("Landlock alone: no file, no port, no signal to the parent") {
  const int abi = LandlockAbi();
  if (abi == 0) {
    MESSAGE("skipped: this kernel offers no Landlock");
    return;
  }
  for (const User user : Users()) {
    CAPTURE(Name(user));
    CHECK(ErrnoBehind(user, RaiseLandlock, OpenFile) == EACCES);
    if (abi >= kLandlockAbiNetwork) {
      CHECK(ErrnoBehind(user, RaiseLandlock, BindPort) == EACCES);
    }
  }
  if (abi >= kLandlockAbiSignals) {
    const Attempt kill_parent = [] { return syscall(SYS_kill, syscall(SYS_getppid), 0); };
    CHECK(ErrnoBehind(Users().front(), RaiseLandlock, kill_parent) == EPERM);
  }
}

TEST_CASE("limits alone: no process and no descriptor can be added") {
  for (const User user : Users()) {
    CAPTURE(Name(user));
    CHECK(ErrnoBehind(user, RaiseLimits, Fork) == EAGAIN);
    CHECK(ErrnoBehind(user, RaiseLimits, OpenFile) == EMFILE);
    CHECK(ErrnoBehind(user, RaiseLimits, [] { return long{dup(0)}; }) == EMFILE);
  }
}

TEST_CASE("kernel-side W^X alone: memory never becomes executable") {
  LockdownOptions prepare;
  prepare.stage = LockdownStage::kPrepare;
  LockdownStatus status;
  REQUIRE_FALSE(ProbeLockdown(prepare, &status).failed());
  if (!status.memory_deny_write_execute) {
    MESSAGE("skipped: this kernel offers no PR_SET_MDWE");
    return;
  }
  const User user = Users().back();
  CHECK(ErrnoBehind(user, RaiseDenyWriteExecute, MakeWritableExecutable) == EACCES);
}

TEST_CASE("dropped privileges alone: root does not come back") {
  if (geteuid() != 0) {
    MESSAGE("skipped: needs root");
    return;
  }
  CHECK(ErrnoBehind(User::kRoot, RaisePrivileges, [] { return syscall(SYS_setuid, 0); }) == EPERM);
  CHECK(ErrnoBehind(User::kRoot, RaisePrivileges, [] { return long{chroot("/")}; }) == EPERM);
  ChildOptions options;
  options.lock = false;
  options.user = User::kRoot;
  const Outcome secure_bits = RunLocked(options, [] {
    if (!RaisePrivileges()) return kLockdownFailed;
    const int bits = prctl(PR_GET_SECUREBITS, 0, 0, 0, 0);
    constexpr int kNoRootForEver = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED;
    return (bits & kNoRootForEver) == kNoRootForEver ? 0 : 1;
  });
  CHECK(secure_bits.exit_code == 0);
}

}  // namespace zvm::test
