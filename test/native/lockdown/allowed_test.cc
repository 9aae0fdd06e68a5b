// What the sandbox needs after lockdown still works, and only that much of it.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstring>
#include <ctime>

#include "abi/layout.h"
#include "locked_child.h"

namespace zvm::test {
namespace {

int MakeMemfd() { return static_cast<int>(syscall(SYS_memfd_create, "test", MFD_ALLOW_SEALING)); }

uint8_t* WindowBytes() { return reinterpret_cast<uint8_t*>(ZVM_WINDOW_BASE); }

long Protect(uint64_t offset, uint64_t size, unsigned long prot) {
  return syscall(SYS_mprotect, ZVM_WINDOW_BASE + offset, size, prot);
}

// The channel calls on one memfd; 0 when all work, else the number of the first that does not.
int UseChannel(int fd) {
  char text[4] = {};
  struct stat info;
  pollfd waiting = {fd, POLLIN | POLLOUT, 0};
  timespec now = {};
  if (syscall(SYS_pwrite64, fd, "abcd", 4, 0) != 4) return 1;
  if (syscall(SYS_pread64, fd, text, 4, 0) != 4 || std::memcmp(text, "abcd", 4) != 0) return 2;
  if (syscall(SYS_lseek, fd, 0, SEEK_SET) != 0) return 3;
  if (syscall(SYS_write, fd, "ef", 2) != 2) return 4;
  if (syscall(SYS_read, fd, text, 2) != 2 || std::memcmp(text, "cd", 2) != 0) return 5;
  if (syscall(SYS_fstat, fd, &info) != 0 || info.st_size != 4) return 6;
  if (syscall(SYS_poll, &waiting, 1, 0) != 1) return 7;
  if (syscall(SYS_ppoll, &waiting, 1, &now, nullptr, 8) != 1) return 8;
  if (syscall(SYS_ftruncate, fd, 2) != 0) return 9;
  if (syscall(SYS_close, fd) != 0) return 10;
  return 0;
}

int UseClocks() {
  rusage usage;
  timespec now;
  if (syscall(SYS_getrusage, RUSAGE_SELF, &usage) != 0) return 1;
  if (syscall(SYS_clock_gettime, CLOCK_THREAD_CPUTIME_ID, &now) != 0) return 2;
  if (clock_gettime(CLOCK_MONOTONIC, &now) != 0) return 3;
  return 0;
}

// jail and unjail as the sandbox does them; the code returns 42.
int UseJail() {
  constexpr uint8_t kCode[] = {0xB8, 42, 0, 0, 0, 0xC3};
  std::memcpy(WindowBytes(), kCode, sizeof kCode);
  if (Protect(0, 0x10000, PROT_READ) != 0) return 1;
  if (Protect(0, 0x10000, PROT_READ | PROT_EXEC) != 0) return 2;
  if (reinterpret_cast<int (*)()>(ZVM_WINDOW_BASE)() != 42) return 3;
  if (Protect(0, 0x10000, PROT_READ | PROT_WRITE) != 0) return 4;
  WindowBytes()[0] = 0xF4;
  return 0;
}

// A range at the very end of the window passes the filter; nothing is mapped there in this test.
int UseWindowEnd() {
  return Protect(0xFFFF0000, 0x10000, PROT_READ) == -1 && errno == ENOMEM ? 0 : 1;
}

// The scan of touched pages, by a descriptor opened before; ENOTTY where the kernel has none.
int UsePagemap(int pagemap) {
  constexpr unsigned long kPagemapScan = 0xC0606610;
  constexpr uint64_t kPageIsPresent = 1 << 3;
  WindowBytes()[0x2000] = 1;
  uint64_t range[3] = {};
  const uint64_t start = ZVM_WINDOW_BASE, end = start + kWindowTestBytes;
  uint64_t scan[12] = {96, 0, start, end, 0, reinterpret_cast<uint64_t>(range), 1, 0, 0,
                       kPageIsPresent, 0, kPageIsPresent};
  const long count = syscall(SYS_ioctl, pagemap, kPagemapScan, scan);
  if (count < 0) return errno == ENOTTY ? 0 : 1;
  return count == 1 && range[0] == start + 0x2000 ? 0 : 2;
}

volatile sig_atomic_t ticks = 0;

// A timer that was armed before keeps ticking; its handler returns through rt_sigreturn.
int UseTimer() {
  while (ticks < 2) {
  }
  return 0;
}

void ArmTimer() {
  struct sigaction action = {};
  action.sa_handler = [](int) { ticks = ticks + 1; };
  sigaction(SIGALRM, &action, nullptr);
  const itimerval period = {{0, 2000}, {0, 2000}};
  setitimer(ITIMER_REAL, &period, nullptr);
}

}  // namespace

TEST_CASE("run: channels, clocks, jail, timers and exit work") {
  for (const User user : Users()) {
    CAPTURE(Name(user));
    ChildOptions options;
    options.user = user;
    const int fd = MakeMemfd();
    const int keep[] = {0, fd};
    options.lockdown.keep_descriptors = keep;
    CHECK(RunLocked(options, [fd] { return UseChannel(fd); }).exit_code == 0);
    CHECK(RunLocked(options, UseClocks).exit_code == 0);
    CHECK(RunLocked(options, UseJail).exit_code == 0);
    CHECK(RunLocked(options, UseWindowEnd).exit_code == 0);
    options.prepare = ArmTimer;
    CHECK(RunLocked(options, UseTimer).exit_code == 0);
    options.prepare = [] {
      const int pagemap = open("/proc/self/pagemap", O_RDONLY);
      (void)!dup2(pagemap, 0);
    };
    if (user == User::kRoot) {
      // An ordinary user here is root's child and owns no /proc/self any more.
      CHECK(RunLocked(options, [] { return UsePagemap(0); }).exit_code == 0);
    }
    options.prepare = [] {};
    CHECK(RunLocked(options, [] {
            const itimerval off = {};
            return syscall(SYS_setitimer, ITIMER_REAL, &off, nullptr) == 0 ? 0 : 1;
          }).exit_code == 0);
    close(fd);
  }
}

TEST_CASE("prepare: reading a program, writing and sealing an image, memory and exit work") {
  for (const User user : Users()) {
    CAPTURE(Name(user));
    ChildOptions options;
    options.user = user;
    options.lockdown.stage = LockdownStage::kPrepare;
    const int nexe = MakeMemfd();
    const int image = MakeMemfd();
    REQUIRE(pwrite(nexe, "nexe", 4, 0) == 4);
    const int keep[] = {nexe, image};
    options.lockdown.keep_descriptors = keep;
    const Outcome outcome = RunLocked(options, [nexe, image] {
      constexpr size_t kBytes = 1 << 20;
      const long memory = syscall(SYS_mmap, 0, kBytes, PROT_READ | PROT_WRITE,
                                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0L);
      if (memory < 0) return 1;
      char* const bytes = reinterpret_cast<char*>(memory);
      if (syscall(SYS_pread64, nexe, bytes, 4, 0) != 4) return 2;
      if (syscall(SYS_mmap, 0, 4096, PROT_READ, MAP_PRIVATE, nexe, 0L) < 0) return 3;
      if (syscall(SYS_ftruncate, image, 0x10000) != 0) return 4;
      if (syscall(SYS_pwrite64, image, bytes, 4, 0) != 4) return 5;
      if (syscall(SYS_madvise, bytes, kBytes, MADV_DONTNEED) != 0) return 6;
      if (syscall(SYS_munmap, bytes, kBytes) != 0) return 7;
      if (syscall(SYS_brk, 0) <= 0) return 8;
      constexpr int kSeals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
      return syscall(SYS_fcntl, image, F_ADD_SEALS, kSeals) == 0 ? 0 : 9;
    });
    CHECK(outcome.exit_code == 0);
    CHECK(pwrite(image, "late", 4, 0) == -1);
    close(nexe);
    close(image);
  }
}

}  // namespace zvm::test
