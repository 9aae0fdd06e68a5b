// What a process that has lost its inner wall may try: each attack runs in a locked child and must
// end in SIGSYS, in both stages and from both users, with no core file.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "abi/layout.h"
#include "locked_child.h"

namespace zvm::test {
namespace {

constexpr unsigned kX32Bit = 0x40000000;
constexpr long kArchSetGs = 0x1001;
constexpr int kExecutable = PROT_READ | PROT_EXEC;
constexpr int kAnonymous = MAP_PRIVATE | MAP_ANONYMOUS;

struct Attack {
  const char* name;
  long (*run)();
};

long Window(uint64_t offset, uint64_t size, unsigned long prot) {
  return syscall(SYS_mprotect, ZVM_WINDOW_BASE + offset, size, prot);
}

long WriteParent() {
  long word = 0;
  iovec local = {&word, sizeof word};
  iovec remote = {&word, sizeof word};
  return syscall(SYS_process_vm_writev, syscall(SYS_getppid), &local, 1, &remote, 1, 0);
}

long Int80Getpid() {
  long result;
  asm volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory", "r8", "r9", "r10", "r11");
  return result;
}

// Must die in every stage.
const Attack kAttacks[] = {
    {"open", [] { return syscall(SYS_open, "/etc/passwd", O_RDONLY); }},
    {"openat", [] { return syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY); }},
    {"openat2", [] { return syscall(SYS_openat2, AT_FDCWD, "/etc/passwd", nullptr, 0); }},
    {"creat", [] { return syscall(SYS_creat, "/tmp/lockdown-test", 0600); }},
    {"unlink", [] { return syscall(SYS_unlink, "/tmp/lockdown-test"); }},
    {"newfstatat", [] { return syscall(SYS_newfstatat, AT_FDCWD, "/", nullptr, 0); }},
    {"name_to_handle_at", [] { return syscall(SYS_name_to_handle_at, AT_FDCWD, "/", 0, 0, 0); }},
    {"dup", [] { return syscall(SYS_dup, 0); }},
    {"fcntl dup", [] { return syscall(SYS_fcntl, 0, F_DUPFD, 0); }},
    {"fcntl setown", [] { return syscall(SYS_fcntl, 0, F_SETOWN, 1); }},
    {"ioctl", [] { return syscall(SYS_ioctl, 0, 0x5412, "x"); }},
    {"setitimer profiling", [] { return syscall(SYS_setitimer, 2, nullptr, nullptr); }},
    {"socket", [] { return syscall(SYS_socket, AF_INET, SOCK_STREAM, 0); }},
    {"connect", [] { return syscall(SYS_connect, 0, nullptr, 0); }},
    {"sendmsg", [] { return syscall(SYS_sendmsg, 0, nullptr, 0); }},
    {"recvmsg", [] { return syscall(SYS_recvmsg, 0, nullptr, 0); }},
    {"fork", [] { return syscall(SYS_fork); }},
    {"vfork by clone", [] { return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0); }},
    {"clone3", [] { return syscall(SYS_clone3, nullptr, 0); }},
    {"execve", [] { return syscall(SYS_execve, "/bin/true", nullptr, nullptr); }},
    {"execveat", [] { return syscall(SYS_execveat, 0, "", nullptr, nullptr, AT_EMPTY_PATH); }},
    {"ptrace", [] { return syscall(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0); }},
    {"process_vm_writev", WriteParent},
    {"process_vm_readv", [] { return syscall(SYS_process_vm_readv, 1, 0, 0, 0, 0, 0); }},
    {"kill parent", [] { return syscall(SYS_kill, 1, 0); }},
    {"tgkill", [] { return syscall(SYS_tgkill, 1, 1, 0); }},
    {"pidfd_open", [] { return syscall(SYS_pidfd_open, 1, 0); }},
    {"rt_sigqueueinfo", [] { return syscall(SYS_rt_sigqueueinfo, 1, 0, nullptr); }},
    {"rt_sigaction", [] { return syscall(SYS_rt_sigaction, SIGSEGV, nullptr, nullptr, 8); }},
    {"mmap executable", [] { return syscall(SYS_mmap, 0, 4096, kExecutable, kAnonymous, -1, 0L); }},
    {"mmap executable file",
     [] { return syscall(SYS_mmap, 0, 4096, kExecutable, MAP_PRIVATE, 0, 0L); }},
    {"mmap exec, dirty high half",
     [] { return syscall(SYS_mmap, 0, 4096, (1ul << 32) | kExecutable, kAnonymous, -1, 0L); }},
    {"mprotect host page executable",
     [] {
       const auto page = reinterpret_cast<uintptr_t>(&Int80Getpid) & ~uintptr_t{4095};
       return syscall(SYS_mprotect, page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC);
     }},
    {"mprotect below window", [] { return Window(-4096ull, 4096, PROT_READ); }},
    {"mprotect above window", [] { return Window(ZVM_WINDOW_SIZE_BYTES, 4096, PROT_READ); }},
    {"mprotect across window end", [] { return Window(0xFFFFF000, 0x2000, PROT_READ); }},
    {"mprotect wrapping size", [] { return Window(4096, -4096ull, PROT_READ); }},
    {"mprotect 4 GiB", [] { return Window(0, ZVM_WINDOW_SIZE_BYTES, PROT_READ); }},
    {"mprotect W|X in window", [] { return Window(0, 4096, PROT_WRITE | PROT_EXEC); }},
    {"mprotect R|W|X in window", [] { return Window(0, 4096, kExecutable | PROT_WRITE); }},
    {"mprotect with a key bit", [] { return Window(0, 4096, PROT_READ | (1ul << 32)); }},
    {"mprotect grows down", [] { return Window(0, 4096, PROT_READ | PROT_GROWSDOWN); }},
    {"pkey_mprotect", [] { return syscall(SYS_pkey_mprotect, ZVM_WINDOW_BASE, 4096, 7, 0); }},
    {"mremap", [] { return syscall(SYS_mremap, ZVM_WINDOW_BASE, 4096, 8192, MREMAP_MAYMOVE); }},
    {"remap_file_pages", [] { return syscall(SYS_remap_file_pages, ZVM_WINDOW_BASE, 1, 0, 0, 0); }},
    {"shmat", [] { return syscall(SYS_shmat, 0, nullptr, 0); }},
    {"arch_prctl set gs", [] { return syscall(SYS_arch_prctl, kArchSetGs, 0); }},
    {"modify_ldt", [] { return syscall(SYS_modify_ldt, 1, nullptr, 0); }},
    {"set_thread_area", [] { return syscall(SYS_set_thread_area, nullptr); }},
    {"int 0x80", Int80Getpid},
    {"x32 read", [] { return syscall(kX32Bit | SYS_read, 0, nullptr, 0); }},
    {"x32 write", [] { return syscall(kX32Bit | SYS_write, 0, nullptr, 0); }},
    {"prctl dumpable", [] { return syscall(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0); }},
    {"prctl dirty high half",
     [] { return syscall(SYS_prctl, (1ul << 32) | PR_GET_SECCOMP, 0, 0, 0, 0); }},
    {"seccomp", [] { return syscall(SYS_seccomp, 1, 0, nullptr); }},
    {"memfd_create", [] { return syscall(SYS_memfd_create, "x", 0); }},
    {"io_uring_setup", [] { return syscall(SYS_io_uring_setup, 1, nullptr); }},
    {"io_submit", [] { return syscall(SYS_io_submit, 0, 0, nullptr); }},
    {"userfaultfd", [] { return syscall(SYS_userfaultfd, 0); }},
    {"perf_event_open", [] { return syscall(SYS_perf_event_open, nullptr, 0, -1, -1, 0); }},
    {"bpf", [] { return syscall(SYS_bpf, 0, nullptr, 0); }},
    {"keyctl", [] { return syscall(SYS_keyctl, 0, 0); }},
    {"setresuid root", [] { return syscall(SYS_setresuid, 0, 0, 0); }},
    {"setresgid root", [] { return syscall(SYS_setresgid, 0, 0, 0); }},
    {"capset", [] { return syscall(SYS_capset, nullptr, nullptr); }},
    {"prlimit64", [] { return syscall(SYS_prlimit64, 0, 7, nullptr, nullptr); }},
    {"unshare user", [] { return syscall(SYS_unshare, 0x10000000); }},
    {"setns", [] { return syscall(SYS_setns, 0, 0); }},
    {"mount", [] { return syscall(SYS_mount, "x", "/", "tmpfs", 0, nullptr); }},
    {"chroot", [] { return syscall(SYS_chroot, "/"); }},
    {"futex", [] { return syscall(SYS_futex, nullptr, 1, 0, nullptr, nullptr, 0); }},
    {"sched_yield", [] { return syscall(SYS_sched_yield); }},
    {"a number of no call", [] { return syscall(100000); }},
    {"number -1", [] { return syscall(-1); }},
};

// kPrepare has no mprotect at all, kRun has no memory calls at all.
const Attack kPrepareAttacks[] = {
    {"mprotect R|X in window", [] { return Window(0, 4096, kExecutable); }},
    {"close", [] { return syscall(SYS_close, 0); }},
    {"poll", [] { return syscall(SYS_poll, nullptr, 0, 0); }},
    {"setitimer real", [] { return syscall(SYS_setitimer, 0, nullptr, nullptr); }},
    {"pagemap scan", [] { return syscall(SYS_ioctl, 0, 0xC0606610ul, nullptr); }},
    {"madvise free", [] { return syscall(SYS_madvise, ZVM_WINDOW_BASE, 4096, MADV_FREE); }},
};
const Attack kRunAttacks[] = {
    {"mmap", [] { return syscall(SYS_mmap, 0, 4096, PROT_READ, kAnonymous, -1, 0L); }},
    {"munmap", [] { return syscall(SYS_munmap, ZVM_WINDOW_BASE, 4096); }},
    {"brk", [] { return syscall(SYS_brk, 0); }},
    {"madvise", [] { return syscall(SYS_madvise, ZVM_WINDOW_BASE, 4096, MADV_DONTNEED); }},
    {"fcntl add seals", [] { return syscall(SYS_fcntl, 0, F_ADD_SEALS, 0); }},
    {"mprotect none", [] { return Window(0, 4096, PROT_NONE); }},
};

const Attack kServeAttacks[] = {
    {"madvise", [] { return syscall(SYS_madvise, ZVM_WINDOW_BASE, 4096, MADV_DONTNEED); }},
    {"madvise of host memory",
     [] {
       const auto page = reinterpret_cast<uintptr_t>(&Int80Getpid) & ~uintptr_t{4095};
       return syscall(SYS_madvise, page, 4096, MADV_DONTNEED);
     }},
    {"madvise free", [] { return syscall(SYS_madvise, ZVM_WINDOW_BASE, 4096, MADV_FREE); }},
    {"fcntl add seals", [] { return syscall(SYS_fcntl, 0, F_ADD_SEALS, 0); }},
    {"mprotect none", [] { return Window(0, 4096, PROT_NONE); }},
    {"mmap executable file over host memory",
     [] {
       const auto page = reinterpret_cast<uintptr_t>(&Int80Getpid) & ~uintptr_t{4095};
       return syscall(SYS_mmap, page, 4096, kExecutable, MAP_PRIVATE | MAP_FIXED, 0, 0L);
     }},
    {"mmap executable memory in window",
     [] {
       return syscall(SYS_mmap, ZVM_WINDOW_BASE, 4096, kExecutable, kAnonymous | MAP_FIXED, -1, 0L);
     }},
    {"setitimer virtual", [] { return syscall(SYS_setitimer, 1, nullptr, nullptr); }},
    {"setsockopt", [] { return syscall(SYS_setsockopt, 0, SOL_SOCKET, SO_SNDBUF, nullptr, 0); }},
    {"getsockopt peer", [] { return syscall(SYS_getsockopt, 0, SOL_SOCKET, SO_PEERCRED, 0, 0); }},
    {"seccomp listener", [] { return syscall(SYS_seccomp, 1, 8, nullptr); }},
    {"seccomp strict", [] { return syscall(SYS_seccomp, 0, 0, nullptr); }},
    {"prctl forgets its owner", [] { return syscall(SYS_prctl, PR_SET_PDEATHSIG, 0, 0, 0, 0); }},
};

// What the stages of a worker need and the narrower ones refuse.
bool IsNeeded(LockdownStage stage, std::string_view attack) {
  if (stage == LockdownStage::kServePrepare) {
    return attack == "recvmsg" || attack == "close";
  }
  if (stage == LockdownStage::kServeWarm) {
    return attack == "recvmsg" || attack == "madvise";
  }
  return stage == LockdownStage::kServe &&
         (attack == "recvmsg" || attack == "setitimer profiling" || attack == "seccomp");
}

void MustDie(LockdownStage stage, User user, std::span<const Attack> attacks) {
  ChildOptions options;
  options.lockdown.stage = stage;
  options.user = user;
  for (const Attack& attack : attacks) {
    if (IsNeeded(stage, attack.name)) {
      continue;
    }
    CAPTURE(std::string(attack.name));
    CAPTURE(Name(user));
    const Outcome outcome = RunLocked(options, [&attack] {
      attack.run();
      return 0;
    });
    CHECK(outcome.signal == SIGSYS);
    CHECK_FALSE(outcome.dumped_core);
  }
}

}  // namespace

TEST_CASE("attacks on the run stage end in SIGSYS") {
  for (const User user : Users()) {
    MustDie(LockdownStage::kRun, user, kAttacks);
    MustDie(LockdownStage::kRun, user, kRunAttacks);
  }
}

TEST_CASE("attacks on the prepare stage end in SIGSYS") {
  for (const User user : Users()) {
    MustDie(LockdownStage::kPrepare, user, kAttacks);
    MustDie(LockdownStage::kPrepare, user, kPrepareAttacks);
  }
}

TEST_CASE("attacks on the stages of a worker end in SIGSYS") {
  for (const User user : Users()) {
    MustDie(LockdownStage::kServe, user, kAttacks);
    MustDie(LockdownStage::kServe, user, kServeAttacks);
    MustDie(LockdownStage::kServeWarm, user, kAttacks);
    MustDie(LockdownStage::kServeWarm, user, kServeAttacks);
    MustDie(LockdownStage::kServePrepare, user, kAttacks);
    MustDie(LockdownStage::kServePrepare, user, kPrepareAttacks);
  }
}

TEST_CASE("a worker that has narrowed itself is like one that never could do more") {
  for (const User user : Users()) {
    ChildOptions options;
    options.lockdown.stage = LockdownStage::kServe;
    options.user = user;
    for (const std::span<const Attack> attacks :
         {std::span<const Attack>(kAttacks), std::span<const Attack>(kRunAttacks)}) {
      for (const Attack& attack : attacks) {
        CAPTURE(std::string(attack.name));
        const Outcome outcome = RunLocked(options, [&attack] {
          LockdownStatus status;
          if (NarrowToRun(&status).failed()) return 1;
          attack.run();
          return 0;
        });
        CHECK(outcome.signal == SIGSYS);
      }
    }
  }
}

TEST_CASE("the same attacks without lockdown do not end in SIGSYS: the experiment can fail") {
  ChildOptions options;
  options.lock = false;
  for (const char* name : {"open", "socket", "mmap executable", "prctl dumpable", "memfd_create"}) {
    CAPTURE(std::string(name));
    for (const Attack& attack : kAttacks) {
      if (std::string_view(attack.name) == name) {
        const Outcome outcome = RunLocked(options, [&attack] { return attack.run() >= 0 ? 7 : 8; });
        CHECK(outcome.exit_code == 7);
      }
    }
  }
}

}  // namespace zvm::test
