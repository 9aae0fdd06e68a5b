// The compiled filters, judged without a kernel: a small interpreter of seccomp BPF asks about
// every call number and the edges of every checked argument, and compares with the table of rules.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include <cstring>
#include <set>

#include "abi/layout.h"
#include "lockdown/policy.h"

namespace zvm {
namespace {

constexpr LockdownStage kStages[] = {LockdownStage::kPrepare, LockdownStage::kRun,
                                     LockdownStage::kServePrepare, LockdownStage::kServe,
                                     LockdownStage::kServeWarm};
constexpr uint32_t kBeyondLastCall = 1024;

// Runs a filter as the kernel would. Ends the test on anything it does not know.
uint32_t Verdict(LockdownStage stage, const seccomp_data& data) {
  const auto code = PolicyProgram(stage);
  uint32_t a = 0, x = 0;
  for (size_t pc = 0;;) {
    REQUIRE(pc < code.size());
    const sock_filter& op = code[pc++];
    const auto branch = [&](bool taken) { pc += taken ? op.jt : op.jf; };
    switch (op.code) {
      case BPF_LD | BPF_W | BPF_ABS:
        REQUIRE(op.k <= sizeof data - 4);
        std::memcpy(&a, reinterpret_cast<const char*>(&data) + op.k, 4);
        break;
      case BPF_MISC | BPF_TAX: x = a; break;
      case BPF_ALU | BPF_ADD | BPF_X: a += x; break;
      case BPF_JMP | BPF_JEQ | BPF_K: branch(a == op.k); break;
      case BPF_JMP | BPF_JGT | BPF_K: branch(a > op.k); break;
      case BPF_JMP | BPF_JSET | BPF_K: branch((a & op.k) != 0); break;
      case BPF_JMP | BPF_JGE | BPF_X: branch(a >= x); break;
      case BPF_RET | BPF_K: return op.k;
      default: FAIL("instruction outside the assembler's repertoire: " << op.code);
    }
  }
}

bool Allows(LockdownStage stage, uint32_t number, std::initializer_list<uint64_t> args = {},
            uint32_t arch = AUDIT_ARCH_X86_64) {
  seccomp_data data = {};
  data.nr = static_cast<int>(number);
  data.arch = arch;
  size_t i = 0;
  for (const uint64_t arg : args) {
    data.args[i++] = arg;
  }
  const uint32_t verdict = Verdict(stage, data);
  CHECK((verdict == SECCOMP_RET_ALLOW || verdict == SECCOMP_RET_KILL_PROCESS));
  return verdict == SECCOMP_RET_ALLOW;
}

}  // namespace

TEST_CASE("a call passes by number exactly when a rule without checks names it") {
  for (const LockdownStage stage : kStages) {
    std::set<uint32_t> by_number, checked;
    for (const PolicyRule& rule : PolicyRules(stage)) {
      const bool free = rule.checks[0].kind == ArgCheck::Kind::kNone;
      const bool added = (free ? by_number : checked).insert(rule.number).second;
      CHECK((added || !free));  // rules with checks may be alternatives
      CHECK_FALSE((by_number.contains(rule.number) && checked.contains(rule.number)));
      CHECK_FALSE(rule.reason.empty());
    }
    for (uint32_t number = 0; number < kBeyondLastCall; ++number) {
      CAPTURE(number);
      if (!checked.contains(number)) {
        CHECK(Allows(stage, number) == by_number.contains(number));
        // Arguments do not matter.
        CHECK(Allows(stage, number, {~0ull, ~0ull, ~0ull}) == by_number.contains(number));
      }
      CHECK_FALSE(Allows(stage, number | 0x40000000u));
      CHECK_FALSE(Allows(stage, number | 0x80000000u));
      CHECK_FALSE(Allows(stage, number, {}, AUDIT_ARCH_I386));
      CHECK_FALSE(Allows(stage, number, {}, AUDIT_ARCH_AARCH64));
    }
  }
}

TEST_CASE("calls that end the second wall are in no table") {
  for (const LockdownStage stage : kStages) {
    for (const PolicyRule& rule : PolicyRules(stage)) {
      for (const uint32_t forbidden :
           {SYS_open, SYS_openat, SYS_socket, SYS_clone, SYS_clone3, SYS_fork, SYS_vfork,
            SYS_execve, SYS_execveat, SYS_ptrace, SYS_arch_prctl, SYS_modify_ldt,
            SYS_set_thread_area, SYS_kill, SYS_process_vm_readv, SYS_process_vm_writev,
            SYS_memfd_create, SYS_io_uring_setup, SYS_userfaultfd, SYS_pkey_mprotect,
            SYS_mremap}) {
        CHECK(rule.number != forbidden);
      }
      CHECK((rule.number != SYS_seccomp || stage == LockdownStage::kServe));
    }
  }
}

TEST_CASE("mprotect: inside the window and R, R|W or R|X") {
  const auto allows = [](uint64_t address, uint64_t size, uint64_t prot) {
    return Allows(LockdownStage::kRun, SYS_mprotect, {address, size, prot});
  };
  constexpr uint64_t kBase = ZVM_WINDOW_BASE;
  constexpr uint64_t kEnd = kBase + ZVM_WINDOW_SIZE_BYTES;
  CHECK(allows(kBase, 0x10000, PROT_READ));
  CHECK(allows(kBase, 0xFFFFFFFF, PROT_READ));
  CHECK(allows(kEnd - 0x1000, 0x1000, PROT_READ | PROT_EXEC));
  CHECK(allows(kBase + 0x20000, 0xFFFDFFFF, PROT_READ | PROT_WRITE));
  CHECK(allows(kBase + 0x20000, 0xFFFE0000, PROT_READ | PROT_WRITE));
  CHECK_FALSE(allows(kBase + 0x20000, 0xFFFE0001, PROT_READ | PROT_WRITE));
  CHECK_FALSE(allows(kEnd - 0x1000, 0x1001, PROT_READ));
  CHECK_FALSE(allows(kEnd - 0x1000, 0xFFFFFFFF, PROT_READ));
  CHECK_FALSE(allows(kBase, ZVM_WINDOW_SIZE_BYTES, PROT_READ));
  CHECK_FALSE(allows(kBase, ~0ull, PROT_READ));
  CHECK_FALSE(allows(kBase - 0x1000, 0x1000, PROT_READ));
  CHECK_FALSE(allows(kEnd, 0x1000, PROT_READ));
  CHECK_FALSE(allows(0, 0x1000, PROT_READ));
  CHECK_FALSE(allows(kBase | (1ull << 63), 0x1000, PROT_READ));
  for (uint64_t prot = 0; prot < 4096; ++prot) {
    const bool good = prot == PROT_READ || prot == (PROT_READ | PROT_WRITE) ||
                      prot == (PROT_READ | PROT_EXEC);
    CAPTURE(prot);
    CHECK(allows(kBase, 0x1000, prot) == good);
    CHECK_FALSE(allows(kBase, 0x1000, prot | (1ull << 32)));
  }
}

TEST_CASE("prepare: mmap never executable, madvise, fcntl and prctl by one value") {
  constexpr LockdownStage kStage = LockdownStage::kPrepare;
  for (uint64_t prot = 0; prot < 256; ++prot) {
    CAPTURE(prot);
    CHECK(Allows(kStage, SYS_mmap, {0, 4096, prot}) == ((prot & PROT_EXEC) == 0));
    CHECK(Allows(kStage, SYS_mmap, {0, 4096, prot | (1ull << 32)}) == ((prot & PROT_EXEC) == 0));
  }
  for (uint64_t value = 0; value < 2048; ++value) {
    CAPTURE(value);
    CHECK(Allows(kStage, SYS_madvise, {0, 4096, value}) == (value == MADV_DONTNEED));
    CHECK(Allows(kStage, SYS_fcntl, {3, value}) == (value == F_ADD_SEALS));
    CHECK(Allows(kStage, SYS_prctl, {value}) == (value == PR_GET_SECCOMP));
    CHECK(Allows(LockdownStage::kRun, SYS_prctl, {value}) == (value == PR_GET_SECCOMP));
  }
}

TEST_CASE("run: one ioctl and one timer") {
  constexpr LockdownStage kStage = LockdownStage::kRun;
  constexpr uint64_t kPagemapScan = 0xC0606610;
  for (uint64_t command = 0; command < 0x10000; ++command) {
    CHECK_FALSE(Allows(kStage, SYS_ioctl, {0, command}));
  }
  CHECK(Allows(kStage, SYS_ioctl, {0, kPagemapScan}));
  for (unsigned bit = 0; bit < 64; ++bit) {
    CHECK_FALSE(Allows(kStage, SYS_ioctl, {0, kPagemapScan ^ (uint64_t{1} << bit)}));
  }
  CHECK(Allows(kStage, SYS_setitimer, {ITIMER_REAL}));
  CHECK_FALSE(Allows(kStage, SYS_setitimer, {ITIMER_VIRTUAL}));
  CHECK_FALSE(Allows(kStage, SYS_setitimer, {ITIMER_PROF}));
}

TEST_CASE("serve: memory without execute anywhere, a file with execute in the window only") {
  constexpr LockdownStage kStage = LockdownStage::kServe;
  constexpr uint64_t kBase = ZVM_WINDOW_BASE;
  constexpr uint64_t kFixed = MAP_PRIVATE | MAP_FIXED;
  for (uint64_t prot = 0; prot < 256; ++prot) {
    CAPTURE(prot);
    const bool plain = (prot & PROT_EXEC) == 0;
    CHECK(Allows(kStage, SYS_mmap, {0, 4096, prot, MAP_PRIVATE | MAP_ANONYMOUS}) == plain);
    CHECK(Allows(kStage, SYS_mmap, {kBase + 0x10000, 0x10000, prot, kFixed}) ==
          (plain || prot == (PROT_READ | PROT_EXEC)));
  }
  const auto executable = [](uint64_t address, uint64_t size, uint64_t flags) {
    return Allows(kStage, SYS_mmap, {address, size, PROT_READ | PROT_EXEC, flags});
  };
  CHECK(executable(kBase, 0x10000, kFixed));
  CHECK_FALSE(executable(kBase, 0x10000, kFixed | MAP_ANONYMOUS));
  CHECK_FALSE(executable(kBase, 0x10000, MAP_PRIVATE));
  CHECK_FALSE(executable(kBase, 0x10000, MAP_SHARED | MAP_FIXED));
  CHECK_FALSE(executable(kBase, 0x10000, kFixed | (1ull << 32)));
  CHECK_FALSE(executable(kBase - 0x10000, 0x10000, kFixed));
  CHECK_FALSE(executable(kBase + 0xFFFF0000, 0x10001, kFixed));
  CHECK_FALSE(executable(kBase + ZVM_WINDOW_SIZE_BYTES, 0x10000, kFixed));
  CHECK_FALSE(executable(0, 0x10000, kFixed));
}

TEST_CASE("serve: two timers, two questions about descriptors, one more filter") {
  constexpr LockdownStage kStage = LockdownStage::kServe;
  for (uint64_t value = 0; value < 2048; ++value) {
    CAPTURE(value);
    CHECK(Allows(kStage, SYS_setitimer, {value}) == (value == ITIMER_REAL || value == ITIMER_PROF));
    CHECK(Allows(kStage, SYS_fcntl, {3, value}) == (value == F_GET_SEALS || value == F_GETFL));
    CHECK(Allows(kStage, SYS_seccomp, {value}) == (value == SECCOMP_SET_MODE_FILTER));
    CHECK(Allows(kStage, SYS_getsockopt, {3, SOL_SOCKET, value}) == (value == SO_TYPE));
    CHECK_FALSE(Allows(kStage, SYS_getsockopt, {3, value, value}));
  }
}

TEST_CASE("serve warm: one timer, no further filter, no limits, memory back in the window only") {
  constexpr LockdownStage kStage = LockdownStage::kServeWarm;
  constexpr uint64_t kBase = ZVM_WINDOW_BASE;
  for (uint64_t value = 0; value < 2048; ++value) {
    CAPTURE(value);
    CHECK(Allows(kStage, SYS_setitimer, {value}) == (value == ITIMER_REAL));
    CHECK(Allows(kStage, SYS_fcntl, {3, value}) == (value == F_GET_SEALS || value == F_GETFL));
    CHECK_FALSE(Allows(kStage, SYS_seccomp, {value}));
    CHECK_FALSE(Allows(kStage, SYS_prlimit64, {0, value}));
    CHECK(Allows(kStage, SYS_madvise, {kBase, 0x10000, value}) == (value == MADV_DONTNEED));
  }
  CHECK_FALSE(Allows(kStage, SYS_madvise, {kBase - 0x1000, 0x1000, MADV_DONTNEED}));
  CHECK_FALSE(Allows(kStage, SYS_madvise, {kBase + 0xFFFF0000, 0x10001, MADV_DONTNEED}));
  constexpr uint64_t kFixed = MAP_PRIVATE | MAP_FIXED;
  for (uint64_t prot = 0; prot < 256; ++prot) {
    CAPTURE(prot);
    const bool plain = (prot & PROT_EXEC) == 0;
    CHECK(Allows(kStage, SYS_mmap, {0, 4096, prot, MAP_PRIVATE | MAP_ANONYMOUS}) == plain);
    CHECK(Allows(kStage, SYS_mmap, {kBase + 0x10000, 0x10000, prot, kFixed}) ==
          (plain || prot == (PROT_READ | PROT_EXEC)));
  }
}

TEST_CASE("the stages of a worker contain the narrower ones and receive frames") {
  for (const auto& [wide, narrow] : {std::pair{LockdownStage::kServe, LockdownStage::kRun},
                                     std::pair{LockdownStage::kServeWarm, LockdownStage::kRun},
                                     std::pair{LockdownStage::kServePrepare,
                                               LockdownStage::kPrepare}}) {
    CHECK(Allows(wide, SYS_recvmsg));
    CHECK_FALSE(Allows(narrow, SYS_recvmsg));
    CHECK_FALSE(Allows(wide, SYS_sendmsg));
    for (const PolicyRule& rule : PolicyRules(narrow)) {
      CHECK(Allows(wide, rule.number) >= Allows(narrow, rule.number));
    }
  }
}

TEST_CASE("filters stay short: installing one costs time for every instruction") {
  for (const LockdownStage stage : kStages) {
    const bool serves = stage == LockdownStage::kServe || stage == LockdownStage::kServeWarm;
    CHECK(PolicyProgram(stage).size() <= (serves ? 128 : 64));
  }
}

}  // namespace zvm
