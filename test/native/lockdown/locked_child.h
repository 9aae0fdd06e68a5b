// A forked child that locks itself down and then runs a few raw system calls: the laboratory of the
// lockdown tests. The child never returns into the test framework, so it also works under
// sanitizers.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "lockdown/lockdown.h"

namespace zvm::test {

// Who the child is before it locks itself down.
enum class User { kRoot, kNobody };
// The users this test run can try: both as root, else only the caller (as kNobody).
std::vector<User> Users();
std::string Name(User user);

constexpr int kLockdownFailed = 200;   // exit status of a child whose lockdown failed
constexpr size_t kWindowTestBytes = 0x40000;  // mapped read-write at the start of the guest window

struct ChildOptions {
  LockdownOptions lockdown;
  User user = User::kNobody;
  bool lock = true;                       // false: the control experiment
  std::function<void()> prepare = [] {};  // runs before the lockdown, as `user`
};

struct Outcome {
  int signal = 0;      // that ended the child
  int exit_code = -1;  // when no signal did
  bool dumped_core = false;
};

// Runs `body` in the child after lockdown; its result (0..199) is the exit code.
Outcome RunLocked(const ChildOptions& options, const std::function<int()>& body);

// A locked child that waits until it is destroyed, to be looked at from outside.
class WaitingChild {
 public:
  explicit WaitingChild(ChildOptions options);
  ~WaitingChild();
  WaitingChild(const WaitingChild&) = delete;
  WaitingChild& operator=(const WaitingChild&) = delete;

  pid_t pid() const { return pid_; }
  // False when the lockdown failed; then there is nothing to look at.
  bool locked() const { return locked_; }
  int socket_in_child() const { return socket_; }
  // The value of a line of /proc/<pid>/status, blanks collapsed.
  std::string StatusLine(const std::string& name) const;
  // "soft hard" of a line of /proc/<pid>/limits, as in "Max core file size".
  std::string Limit(const std::string& name) const;

 private:
  pid_t pid_ = -1;
  int ours_ = -1;
  int socket_ = -1;
  bool locked_ = false;
};

}  // namespace zvm::test
