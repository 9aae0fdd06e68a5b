// See locked_child.h.
#include "locked_child.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "abi/layout.h"
#include "base/check.h"

namespace zvm::test {
namespace {

// Not marked as what it is, a function that does not return: before such calls AddressSanitizer
// asks for the signal stack, a system call that the filters forbid.
void Exit(int code) { syscall(SYS_exit_group, code); }

void BecomeNobody() {
  if (geteuid() == 0) {
    ZVM_CHECK(syscall(SYS_setgroups, 0, nullptr) == 0);
    ZVM_CHECK(syscall(SYS_setresgid, 65534, 65534, 65534) == 0);
    ZVM_CHECK(syscall(SYS_setresuid, 65534, 65534, 65534) == 0);
  }
}

void MapWindow() {
  void* const base = reinterpret_cast<void*>(ZVM_WINDOW_BASE);
  ZVM_CHECK(mmap(base, kWindowTestBytes, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0) == base);
}

// Everything that a child does before its body.
void Enter(const ChildOptions& options) {
  MapWindow();
  if (options.user == User::kNobody) {
    BecomeNobody();
  }
  options.prepare();
  if (options.lock) {
    LockdownStatus status;
    if (Lockdown(options.lockdown, &status).failed()) {
      Exit(kLockdownFailed);
    }
  }
}

// The first `count` words of `text` with single blanks between them.
std::string JoinWords(const std::string& text, size_t count) {
  std::istringstream words(text);
  std::string joined;
  for (std::string word; count > 0 && words >> word; --count) {
    joined += (joined.empty() ? "" : " ") + word;
  }
  return joined;
}

}  // namespace

std::vector<User> Users() {
  if (geteuid() == 0) {
    return {User::kRoot, User::kNobody};
  }
  return {User::kNobody};
}

std::string Name(User user) { return user == User::kRoot ? "root" : "nobody"; }

Outcome RunLocked(const ChildOptions& options, const std::function<int()>& body) {
  const pid_t pid = fork();
  ZVM_CHECK(pid >= 0);
  if (pid == 0) {
    Enter(options);
    Exit(body());
  }
  int wait_status = 0;
  ZVM_CHECK(waitpid(pid, &wait_status, 0) == pid);
  Outcome outcome;
  if (WIFSIGNALED(wait_status)) {
    outcome.signal = WTERMSIG(wait_status);
    outcome.dumped_core = WCOREDUMP(wait_status);
  } else {
    outcome.exit_code = WEXITSTATUS(wait_status);
  }
  return outcome;
}

WaitingChild::WaitingChild(ChildOptions options) {
  int ends[2];
  ZVM_CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) == 0);
  ours_ = ends[0];
  socket_ = ends[1];
  pid_ = fork();
  ZVM_CHECK(pid_ >= 0);
  if (pid_ == 0) {
    std::vector<int> keep(options.lockdown.keep_descriptors.begin(),
                          options.lockdown.keep_descriptors.end());
    keep.push_back(socket_);
    std::sort(keep.begin(), keep.end());
    options.lockdown.keep_descriptors = keep;
    Enter(options);
    char byte = 1;
    (void)!write(socket_, &byte, 1);
    (void)!read(socket_, &byte, 1);
    Exit(0);
  }
  close(socket_);
  char byte = 0;
  locked_ = read(ours_, &byte, 1) == 1;
}

WaitingChild::~WaitingChild() {
  close(ours_);
  ZVM_CHECK(waitpid(pid_, nullptr, 0) == pid_);
}

std::string WaitingChild::StatusLine(const std::string& name) const {
  std::ifstream file("/proc/" + std::to_string(pid_) + "/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(name + ":")) {
      return JoinWords(line.substr(name.size() + 1), SIZE_MAX);
    }
  }
  return "missing";
}

std::string WaitingChild::Limit(const std::string& name) const {
  std::ifstream file("/proc/" + std::to_string(pid_) + "/limits");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(name + " ")) {
      return JoinWords(line.substr(name.size()), 2);
    }
  }
  return "missing";
}

}  // namespace zvm::test
