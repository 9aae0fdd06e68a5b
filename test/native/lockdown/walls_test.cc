// The walls apart from the system call filter, looked at from outside the locked process, and the
// refusals of Lockdown itself.
#include <dirent.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>
#include <string>
#include <thread>

#include "locked_child.h"

namespace zvm::test {
namespace {

std::set<std::string> DescriptorsOf(pid_t pid) {
  std::set<std::string> names;
  DIR* const folder = opendir(("/proc/" + std::to_string(pid) + "/fd").c_str());
  REQUIRE(folder != nullptr);
  while (const dirent* entry = readdir(folder)) {
    if (entry->d_name[0] != '.') {
      names.insert(entry->d_name);
    }
  }
  closedir(folder);
  return names;
}

// The kernel lets a process turn `feature` off, or it is off (or harmless) already.
bool CanDisable(unsigned long feature) {
  const int state = prctl(PR_GET_SPECULATION_CTRL, feature, 0ul, 0ul, 0ul);
  constexpr int kOff = PR_SPEC_DISABLE | PR_SPEC_FORCE_DISABLE;
  return state == 0 || (state > 0 && (state & (PR_SPEC_PRCTL | kOff)) != 0);
}

// Makes every capability inheritable: a change of user leaves those.
void InheritCapabilities() {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct sets[2] = {};
  if (syscall(SYS_capget, &header, sets) == 0) {
    sets[0].inheritable = sets[0].permitted;
    sets[1].inheritable = sets[1].permitted;
    syscall(SYS_capset, &header, sets);
  }
}

// Whether this user may enter the namespaces, alone or inside a user namespace.
bool CanEnterNamespaces() {
  ChildOptions child;
  child.lock = false;
  child.user = Users().front();
  return RunLocked(child, [] {
           constexpr int kSpaces = CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWNS | CLONE_NEWUTS;
           return unshare(kSpaces) == 0 || unshare(kSpaces | CLONE_NEWUSER) == 0 ? 0 : 1;
         }).exit_code == 0;
}

// The code with which Lockdown refuses `options` in a child; 0 = it did not.
Outcome Refusal(const LockdownOptions& options, std::string_view code) {
  ChildOptions child;
  child.lock = false;
  return RunLocked(child, [&] {
    LockdownStatus status;
    const Failure failure = Lockdown(options, &status);
    return failure.status == EPERM && failure.code == code && !status.seccomp ? 0 : 1;
  });
}

}  // namespace

TEST_CASE("user, groups, capabilities, no_new_privs and seccomp as the kernel tells them") {
  for (const User user : Users()) {
    CAPTURE(Name(user));
    ChildOptions options;
    options.user = user;
    // What a change of user alone would have done already, or not at all.
    options.prepare = [] {
      prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
      InheritCapabilities();
      const gid_t group = 27;
      (void)!setgroups(1, &group);
    };
    const WaitingChild child(options);
    REQUIRE(child.locked());
    CHECK(child.StatusLine("NoNewPrivs") == "1");
    CHECK(child.StatusLine("Seccomp") == "2");
    CHECK(child.StatusLine("Threads") == "1");
    for (const char* name : {"CapInh", "CapPrm", "CapEff", "CapAmb"}) {
      CHECK(child.StatusLine(name) == "0000000000000000");
    }
    struct stat info;
    REQUIRE(stat(("/proc/" + std::to_string(child.pid()) + "/status").c_str(), &info) == 0);
    CHECK(info.st_uid == 0);  // not dumpable
    if (geteuid() == 0) {
      CHECK(child.StatusLine("Uid") == "65534 65534 65534 65534");
      CHECK(child.StatusLine("Gid") == "65534 65534 65534 65534");
      CHECK(child.StatusLine("Groups") == "");
    }
    if (user == User::kRoot) {
      CHECK(child.StatusLine("CapBnd") == "0000000000000000");
    }
  }
}

TEST_CASE("resource limits are in force") {
  for (const User user : Users()) {
    CAPTURE(Name(user));
    ChildOptions options;
    options.user = user;
    options.lockdown.limits = {.address_space_bytes = uint64_t{1} << 46,
                               .file_size_bytes = 12345,
                               .cpu_seconds = 7};
    const WaitingChild child(options);
    REQUIRE(child.locked());
    for (const char* name : {"Max core file size", "Max processes", "Max locked memory",
                             "Max msgqueue size", "Max realtime priority"}) {
      CAPTURE(std::string(name));
      CHECK(child.Limit(name) == "0 0");
    }
    CHECK(child.Limit("Max open files") == "1 1");  // 0 is not kept: the first gap
    CHECK(child.Limit("Max address space") == "70368744177664 70368744177664");
    CHECK(child.Limit("Max file size") == "12345 12345");
    CHECK(child.Limit("Max cpu time") == "7 8");
  }
}

TEST_CASE("room for the descriptors of a frame, and a signal when the owner dies") {
  for (const User user : Users()) {
    CAPTURE(Name(user));
    ChildOptions options;
    options.user = user;
    options.lockdown.stage = LockdownStage::kServe;
    options.lockdown.descriptors_max = 300;
    options.lockdown.owner_pid = getpid();
    const WaitingChild child(options);
    REQUIRE(child.locked());
    CHECK(child.Limit("Max open files") == "300 300");
  }
  // A worker whose owner is another process than its parent, or dead already, does not start.
  LockdownOptions orphan;
  orphan.owner_pid = 1 << 22;
  CHECK(Refusal(orphan, "lockdown-owner").exit_code == 0);
}

// Starts an owner whose locked child holds the last copies of a pipe's end and waits for ever;
// kills the owner. True when the pipe ends within two seconds, i.e. the child died too.
bool DiesWithOwner(User user) {
  int ends[2], never[2];
  REQUIRE(pipe(ends) == 0);
  REQUIRE(pipe(never) == 0);
  const pid_t owner = fork();
  if (owner == 0) {
    ChildOptions options;
    options.user = user;
    options.lockdown.stage = LockdownStage::kServe;
    options.lockdown.owner_pid = getpid();
    const int keep[] = {ends[1], never[0], never[1]};
    options.lockdown.keep_descriptors = keep;
    RunLocked(options, [&] {
      char byte = 'y';
      (void)!write(ends[1], &byte, 1);
      return static_cast<int>(read(never[0], &byte, 1));
    });
    _exit(0);
  }
  close(ends[1]);
  char byte = 0;
  CHECK(read(ends[0], &byte, 1) == 1);
  kill(owner, SIGKILL);
  REQUIRE(waitpid(owner, nullptr, 0) == owner);
  constexpr int kWaitMs = 2000;
  pollfd waiting = {ends[0], POLLIN, 0};
  const bool died = poll(&waiting, 1, kWaitMs) == 1;
  for (const int fd : {ends[0], never[0], never[1]}) {
    close(fd);
  }
  return died;
}

TEST_CASE("a locked process dies with its owner, whoever it has become") {
  for (const User user : Users()) {
    CAPTURE(Name(user));
    CHECK(DiesWithOwner(user));
  }
}

TEST_CASE("a limit that is lower already is not raised") {
  ChildOptions options;
  options.lockdown.limits.file_size_bytes = 5000;
  options.prepare = [] {
    const rlimit low = {100, 200};
    setrlimit(RLIMIT_FSIZE, &low);
  };
  const WaitingChild child(options);
  REQUIRE(child.locked());
  CHECK(child.Limit("Max file size") == "100 200");
}

TEST_CASE("only kept descriptors are left, and they do not include a way to memory") {
  const int leaked = open("/", O_RDONLY);
  const int kept = dup(leaked);
  const int memory = open("/proc/self/mem", O_RDWR);  // the memory of the parent
  REQUIRE(memory >= 0);
  for (const User user : Users()) {
    CAPTURE(Name(user));
    ChildOptions options;
    options.user = user;
    const int keep[] = {0, 1, kept};
    options.lockdown.keep_descriptors = keep;
    if (geteuid() == 0) {
      const WaitingChild child(options);
      REQUIRE(child.locked());
      CHECK(DescriptorsOf(child.pid()) == std::set<std::string>{"0", "1", std::to_string(kept),
                                          std::to_string(child.socket_in_child())});
      CHECK(child.Limit("Max open files") == "2 2");
    }
    const Outcome outcome = RunLocked(options, [&] {
      char byte;
      if (syscall(SYS_pread64, memory, &byte, 1, &byte) != -1 || errno != EBADF) return 2;
      if (syscall(SYS_pwrite64, memory, &byte, 1, &byte) != -1 || errno != EBADF) return 3;
      if (syscall(SYS_lseek, leaked, 0, 0) != -1 || errno != EBADF) return 4;
      return syscall(SYS_lseek, kept, 0, 0) == 0 ? 0 : 5;
    });
    CHECK(outcome.exit_code == 0);
  }
  close(leaked);
  close(kept);
  close(memory);
}

TEST_CASE("Lockdown refuses what it cannot do safely") {
  LockdownOptions options;
  const int descending[] = {1, 0}, twice[] = {0, 0}, negative[] = {-1}, closed[] = {0, 900};
  const std::span<const int> refused[] = {descending, twice, negative, closed};
  for (const std::span<const int> keep : refused) {
    options.keep_descriptors = keep;
    CHECK(Refusal(options, "lockdown-descriptors").exit_code == 0);
  }
}

TEST_CASE("Lockdown refuses to stay root") {
  if (geteuid() != 0) {
    MESSAGE("skipped: needs root");
    return;
  }
  LockdownOptions options;
  options.unprivileged_uid = 0;
  ChildOptions child;
  child.user = User::kRoot;
  child.lockdown = options;
  CHECK(RunLocked(child, [] { return 0; }).exit_code == kLockdownFailed);
  child.lockdown = {};
  child.lockdown.unprivileged_gid = 0;
  CHECK(RunLocked(child, [] { return 0; }).exit_code == kLockdownFailed);
}

TEST_CASE("Lockdown refuses a root without the capability to leave") {
  if (geteuid() != 0) {
    MESSAGE("skipped: needs root");
    return;
  }
  ChildOptions child;
  child.user = User::kRoot;
  child.prepare = [] {
    // Root of a container that was given no capabilities.
    const uint32_t header[2] = {0x20080522, 0}, none[6] = {};
    syscall(SYS_capset, header, none);
  };
  CHECK(RunLocked(child, [] { return 0; }).exit_code == kLockdownFailed);
}

TEST_CASE("Lockdown refuses a process with a second thread") {
  ChildOptions child;
  child.lock = false;
  const Outcome outcome = RunLocked(child, [] {
    std::thread second([] { pause(); });
    LockdownStatus status;
    const Failure failure = Lockdown({}, &status);
    second.detach();
    return failure.code == "lockdown-threads" ? 0 : 1;
  });
  CHECK(outcome.exit_code == 0);
}

TEST_CASE("what the kernel offers is in force: Landlock, W^X, speculation controls") {
  constexpr long kLandlockCreateRuleset = 444;
  constexpr int kGetMdwe = 66;
  const bool has_landlock = syscall(kLandlockCreateRuleset, nullptr, size_t{0}, 1u) > 0;
  const bool has_mdwe = prctl(kGetMdwe, 0ul, 0ul, 0ul, 0ul) >= 0;
  LockdownOptions options;
  options.speculation_controls = true;
  LockdownStatus status;
  REQUIRE_FALSE(ProbeLockdown(options, &status).failed());
  CHECK(status.landlock == has_landlock);
  CHECK((status.landlock_abi > 0) == has_landlock);
  CHECK_FALSE(status.memory_deny_write_execute);
  CHECK(status.speculation_controls == (CanDisable(PR_SPEC_STORE_BYPASS) &&
                                        CanDisable(PR_SPEC_INDIRECT_BRANCH)));
  options.stage = LockdownStage::kPrepare;
  options.speculation_controls = false;
  REQUIRE_FALSE(ProbeLockdown(options, &status).failed());
  CHECK(status.memory_deny_write_execute == has_mdwe);
  CHECK_FALSE(status.speculation_controls);
}

TEST_CASE("probe: what /proc tells about a locked child") {
  for (const LockdownStage stage : {LockdownStage::kRun, LockdownStage::kPrepare}) {
    LockdownOptions options;
    options.stage = stage;
    LockdownStatus status;
    REQUIRE_FALSE(ProbeLockdown(options, &status).failed());
    CHECK(status.single_thread);
    CHECK(status.no_new_privs);
    CHECK(status.not_dumpable);
    CHECK(status.privileges_dropped);
    CHECK(status.descriptors_closed);
    CHECK(status.rlimits);
    CHECK(status.seccomp);
    CHECK(status.seccomp_instructions > 0);
    CHECK_FALSE(status.namespaces);
    CHECK(status.uid == (geteuid() == 0 ? 65534 : geteuid()));
  }
}

TEST_CASE("probe: namespaces on request, and a failure is told as it is") {
  LockdownOptions options;
  options.namespaces = true;
  LockdownStatus status;
  CHECK_FALSE(ProbeLockdown(options, &status).failed());
  CHECK(status.namespaces == CanEnterNamespaces());
  if (geteuid() == 0) {
    options = {};
    options.unprivileged_uid = 0;
    CHECK(ProbeLockdown(options, &status).code == "lockdown-privileges");
    CHECK_FALSE(status.seccomp);
  }
}

TEST_CASE("render: lines and JSON") {
  LockdownStatus status;
  status.seccomp = true;
  status.uid = 65534;
  FixedText<2048> lines, json;
  RenderLockdown(status, false, lines);
  RenderLockdown(status, true, json);
  CHECK(lines.view().find("seccomp: yes\n") != std::string_view::npos);
  CHECK(lines.view().find("landlock: no\n") != std::string_view::npos);
  CHECK(lines.view().find("uid: 65534\n") != std::string_view::npos);
  CHECK(json.view().starts_with("{\"single_thread\":false,"));
  CHECK(json.view().find("\"seccomp\":true,") != std::string_view::npos);
  CHECK(json.view().ends_with("\"dies_with_owner\":false}\n"));
}

}  // namespace zvm::test
