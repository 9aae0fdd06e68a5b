// The lists of system calls that remain, with the reason for each. Adding one is one line here
// and one attack less in test/native/lockdown/: think of what a hostile process could do with it.
#include "lockdown/policy.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include "abi/layout.h"

namespace zvm {
namespace {

// PAGEMAP_SCAN of Linux 6.7, whose argument has 96 bytes; Debian 12's headers lack it.
constexpr uint64_t kPagemapScan = _IOC(_IOC_READ | _IOC_WRITE, 'f', 16, 96);

constexpr ArgCheck OneOf(uint8_t arg, uint64_t value) {
  return {ArgCheck::Kind::kOneOf, arg, 1, {value}};
}
constexpr ArgCheck OneOf(uint8_t arg, uint64_t a, uint64_t b) {
  return {ArgCheck::Kind::kOneOf, arg, 2, {a, b}};
}
constexpr ArgCheck OneOf(uint8_t arg, uint64_t a, uint64_t b, uint64_t c) {
  return {ArgCheck::Kind::kOneOf, arg, 3, {a, b, c}};
}
constexpr ArgCheck NoBits(uint8_t arg, uint64_t bits) {
  return {ArgCheck::Kind::kNoBits, arg, 1, {bits}};
}
constexpr ArgCheck InWindow(uint8_t arg, uint64_t base) {
  return {ArgCheck::Kind::kInWindow, arg, 1, {base}};
}

constexpr PolicyRule kPrepareRules[] = {
    {SYS_pread64, "the bytes of the nexe"},
    {SYS_read, "the same from a pipe"},
    {SYS_pwrite64, "the prepared image"},
    {SYS_write, "the prepared image, the verdict"},
    {SYS_ftruncate, "size of the image"},
    {SYS_munmap, "memory"},
    {SYS_brk, "memory"},
    {SYS_rt_sigreturn, "end of a signal handler"},
    {SYS_exit_group, "end"},
    {SYS_exit, "end"},
    // SAFETY: nothing in this process can become executable: no PROT_EXEC here and no mprotect.
    {SYS_mmap, "memory", {NoBits(2, PROT_EXEC)}},
    {SYS_madvise, "memory given back", {OneOf(2, MADV_DONTNEED)}},
    {SYS_fcntl, "sealing the image", {OneOf(1, F_ADD_SEALS)}},
    {SYS_prctl, "reading back that this filter is in force", {OneOf(0, PR_GET_SECCOMP)}},
};

constexpr PolicyRule kRunRules[] = {
    {SYS_read, "channels"},
    {SYS_write, "channels, report"},
    {SYS_pread64, "channels"},
    {SYS_pwrite64, "channels"},
    {SYS_poll, "waiting for a channel"},
    {SYS_ppoll, "waiting for a channel"},
    {SYS_lseek, "size of a channel"},
    {SYS_fstat, "size of a channel"},
    {SYS_ftruncate, "size of a written channel at its end"},
    {SYS_close, "end of a channel"},
    {SYS_getrusage, "accounting"},
    {SYS_clock_gettime, "accounting, where the vdso cannot"},
    {SYS_rt_sigreturn, "end of a signal handler"},
    {SYS_restart_syscall, "a wait that was interrupted by a stop"},
    {SYS_exit_group, "end"},
    {SYS_exit, "end"},
    // SAFETY: jail and unjail, nothing else: inside the window, never writable and executable.
    {SYS_mprotect, "jail",
     {InWindow(0, ZVM_WINDOW_BASE),
      OneOf(2, PROT_READ, PROT_READ | PROT_WRITE, PROT_READ | PROT_EXEC)}},
    // Not the profiling timer: a limit on processor time that is armed stays armed.
    {SYS_setitimer, "interrupting a blocked channel again", {OneOf(0, ITIMER_REAL)}},
    {SYS_ioctl, "which pages the guest has touched", {OneOf(1, kPagemapScan)}},
    {SYS_prctl, "reading back that this filter is in force", {OneOf(0, PR_GET_SECCOMP)}},
};

// What a worker of role prepare may do beyond kPrepareRules, from its start on.
constexpr PolicyRule kServePrepareExtra[] = {
    {SYS_recvmsg, "the frame, with program and image"},
    {SYS_fstat, "size of the program"},
    {SYS_close, "descriptors that came with a refused frame"},
};

// What a worker of role session may do beyond kRunRules to receive and set up a session.
constexpr PolicyRule kStartExtra[] = {
    {SYS_recvmsg, "the frame, with image and channels"},
    {SYS_munmap, "memory"},
    {SYS_brk, "memory"},
    // SAFETY: nothing becomes executable but a file, inside the window. The caller has looked at
    // its seals; this rule bounds what a caller that lost its way could map.
    {SYS_mmap, "memory, read-only parts of the image", {NoBits(2, PROT_EXEC)}},
    {SYS_mmap, "text of the image",
     {InWindow(0, ZVM_WINDOW_BASE), OneOf(2, PROT_READ | PROT_EXEC),
      OneOf(3, MAP_PRIVATE | MAP_FIXED)}},
    {SYS_fcntl, "seals of the image, mode of a channel", {OneOf(1, F_GET_SEALS, F_GETFL)}},
    {SYS_getsockopt, "kind of a channel", {OneOf(1, SOL_SOCKET), OneOf(2, SO_TYPE)}},
};

// The same for its only session: limits behind that one, then no more of all this.
constexpr PolicyRule kServeExtra[] = {
    {SYS_setitimer, "limit on processor time", {OneOf(0, ITIMER_PROF)}},
    {SYS_prlimit64, "backstops of a session, own process",
     {OneOf(0, 0), OneOf(1, RLIMIT_CPU, RLIMIT_DATA)}},
    {SYS_seccomp, "narrowing this list", {OneOf(0, SECCOMP_SET_MODE_FILTER), OneOf(1, 0)}},
};

// The same between many sessions. The timer of processor time runs already and stays armed.
constexpr PolicyRule kServeWarmExtra[] = {
    {SYS_madvise, "guest memory given back",
     {InWindow(0, ZVM_WINDOW_BASE), OneOf(2, MADV_DONTNEED)}},
};

template <size_t N, size_t M>
constexpr std::array<PolicyRule, N + M> Join(const std::array<PolicyRule, N>& a,
                                             const PolicyRule (&b)[M]) {
  std::array<PolicyRule, N + M> joined = {};
  for (size_t i = 0; i < N + M; ++i) {
    joined[i] = i < N ? a[i] : b[i - N];
  }
  return joined;
}
constexpr auto kServePrepareRules = Join(std::to_array(kPrepareRules), kServePrepareExtra);
constexpr auto kStartRules = Join(std::to_array(kRunRules), kStartExtra);
constexpr auto kServeRules = Join(kStartRules, kServeExtra);
constexpr auto kServeWarmRules = Join(kStartRules, kServeWarmExtra);

constexpr auto kPrepareProgram = PolicyAssembler::Assemble(kPrepareRules);
constexpr auto kRunProgram = PolicyAssembler::Assemble(kRunRules);
constexpr auto kServePrepareProgram = PolicyAssembler::Assemble(kServePrepareRules);
constexpr auto kServeProgram = PolicyAssembler::Assemble(kServeRules);
constexpr auto kServeWarmProgram = PolicyAssembler::Assemble(kServeWarmRules);

}  // namespace

std::span<const PolicyRule> PolicyRules(LockdownStage stage) {
  switch (stage) {
    case LockdownStage::kPrepare: return kPrepareRules;
    case LockdownStage::kRun: return kRunRules;
    case LockdownStage::kServePrepare: return kServePrepareRules;
    case LockdownStage::kServe: return kServeRules;
    case LockdownStage::kServeWarm: return kServeWarmRules;
  }
  ZVM_CHECK(false);
}

std::span<const sock_filter> PolicyProgram(LockdownStage stage) {
  constexpr const PolicyAssembler::Program* kPrograms[] = {&kPrepareProgram, &kRunProgram,
                                                           &kServePrepareProgram, &kServeProgram,
                                                           &kServeWarmProgram};
  const auto& program = *kPrograms[static_cast<size_t>(stage)];
  return {program.code.data(), program.size};
}

}  // namespace zvm
