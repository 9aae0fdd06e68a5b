// After Open only the system calls that channel_table.h names are made: a child process gives up
// all others, memory ones included, and does everything a session can do.
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>

#include "fixture.h"

namespace zvm::test {
namespace {

bool AllowOnly(std::initializer_list<int> calls) {
  std::vector<sock_filter> program;
  program.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)));
  for (int call : calls) {
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint32_t>(call), 0, 1));
    program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  }
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
  const sock_fprog filter = {static_cast<unsigned short>(program.size()), program.data()};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

// The child: no assertion macros here, they allocate. Returns what went wrong, 0 for nothing.
int RunConfined(ChannelTable& table, uint8_t* buffer, int32_t size) {
  if (!AllowOnly({SYS_pread64, SYS_pwrite64, SYS_read, SYS_write, SYS_ftruncate, SYS_close,
                  SYS_poll, SYS_exit_group})) {
    return 1;
  }
  for (int32_t channel = 0; channel < static_cast<int32_t>(table.count()); ++channel) {
    for (int64_t offset : {0, 5, 100}) {
      if (table.Read(channel, buffer, size, offset).status == IoStatus::kStopped ||
          table.Write(channel, buffer, size, offset).status == IoStatus::kStopped) {
        return 2;
      }
    }
    (void)table.view(static_cast<size_t>(channel)).digest.view();
  }
  table.Close();
  // One channel was a broken device: telling about it allocates nothing either.
  return table.failure().code == "channel-write-failed" ? 0 : 3;
}

// The sanitizers' own run-time asks the kernel for memory, so their build cannot tell.
#if __has_feature(address_sanitizer)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

TEST_CASE("after opening nothing is allocated or opened" * doctest::skip(kSanitized)) {
  TempFolder folder;
  signal(SIGPIPE, SIG_IGN);
  int in[2], waiting[2];
  REQUIRE(pipe2(in, O_CLOEXEC) == 0);
  REQUIRE(pipe2(waiting, O_CLOEXEC | O_NONBLOCK) == 0);
  REQUIRE(write(in[1], "bytes", 5) == 5);
  close(in[1]);
  const ChannelSource twin_a = PathSource(folder.File("ta", std::string(70'000, 't')));
  const ChannelSource twin_b = PathSource(folder.File("tb", std::string(70'000, 't')));
  ChannelTable table;
  StopRequest stop;
  REQUIRE_FALSE(
      table.Check(WithStandard(
                      {Spec("append", {PathSource(folder.File("log", "old"))}, 1, kReadWrite, true),
                       Spec("broken", {PathSource("/dev/full")}, 0, kWriteOnly, true),
                       Spec("in", {DescriptorSource(in[0])}, 0, kReadOnly, true),
                       Spec("new", {PathSource(folder.Path("new"))}, 3, kReadWrite, true),
                       Spec("out", {PathSource(folder.Path("out"))}, 2, kWriteOnly),
                       Spec("twins", {twin_a, twin_b}, 0, kReadOnly, true),
                       Spec("waiting", {DescriptorSource(waiting[0])}, 0, kReadOnly)}))
          .failed());
  REQUIRE_FALSE(table.Open({}, stop).failed());
  std::vector<uint8_t> buffer(100'000);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    close(waiting[1]);
    alarm(20);
    _exit(RunConfined(table, buffer.data(), static_cast<int32_t>(buffer.size())));
  }
  // The non-blocking pipe makes the child poll before its writer comes.
  usleep(20'000);
  close(waiting[1]);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

}  // namespace
}  // namespace zvm::test
