// What is in force in a process after lockdown, seen from outside: a child locks itself down, its
// parent asks /proc. Runs in tools and tests, never on the way to a guest; renders the answer.
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <string_view>

#include "base/unique_fd.h"
#include "lockdown/steps.h"

namespace zvm {
namespace {

constexpr size_t kProcFileMax = 8192;

// The child's own account, sent before its parent looks. `failure.code` is a literal of this
// program, so it means the same on both sides of a fork.
struct ChildAccount {
  Failure failure;
  LockdownStatus status;
};

[[noreturn]] void RunChild(LockdownOptions options, int socket) {
  const int kept[] = {socket};
  options.keep_descriptors = kept;
  ChildAccount account;
  account.failure = Lockdown(options, &account.status);
  if (write(socket, &account, sizeof account) == sizeof account) {
    char end;
    (void)!read(socket, &end, 1);
  }
  _exit(0);
}

// One file /proc/<pid>/<name>, read once; lines of a name and values.
class ProcFile {
 public:
  bool Read(pid_t pid, std::string_view name) {
    FixedText<64> path;
    path.Add("/proc/").AddSigned(pid).AddChar('/').Add(name).AddChar('\0');
    const UniqueFd fd(open(path.view().data(), O_RDONLY | O_CLOEXEC));
    struct stat info;
    if (!fd.valid() || fstat(fd.get(), &info) != 0) {
      return false;
    }
    owner_ = info.st_uid;
    const ssize_t size = read(fd.get(), text_, sizeof text_);
    size_ = size > 0 ? static_cast<size_t>(size) : 0;
    return size_ > 0 && size_ < sizeof text_;
  }

  // The kernel gives these files to root when their process may not be inspected.
  uid_t owner() const { return owner_; }

  // Number `index` of the line that starts with `name`; `fallback` when it is not there.
  uint64_t Number(std::string_view name, unsigned index, int base, uint64_t fallback) const {
    std::string_view rest = Line(name);
    for (unsigned i = 0;; ++i) {
      while (!rest.empty() && (rest.front() == ' ' || rest.front() == '\t')) {
        rest.remove_prefix(1);
      }
      uint64_t value = 0;
      const char* const last = rest.data() + rest.size();
      const auto [end, error] = std::from_chars(rest.data(), last, value, base);
      if (error != std::errc{}) {
        return fallback;
      }
      if (i == index) {
        return value;
      }
      rest.remove_prefix(static_cast<size_t>(end - rest.data()));
    }
  }

 private:
  // What follows `name` at the start of a line; empty when no line starts so.
  std::string_view Line(std::string_view name) const {
    std::string_view rest(text_, size_);
    while (!rest.empty()) {
      const size_t end = std::min(rest.find('\n'), rest.size());
      const std::string_view line = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (line.starts_with(name)) {
        return line.substr(name.size());
      }
    }
    return {};
  }

  char text_[kProcFileMax];
  size_t size_ = 0;
  uid_t owner_ = 0;
};

bool LimitIsZero(const ProcFile& limits, std::string_view name) {
  return limits.Number(name, 0, 10, 1) == 0 && limits.Number(name, 1, 10, 1) == 0;
}

// Replaces the child's account by the kernel's wherever the kernel can be asked.
void ReadKernelAccount(const ProcFile& proc, const ProcFile& limits, LockdownStatus* status) {
  bool unprivileged = true;
  for (unsigned i = 0; i < 4; ++i) {
    unprivileged &= proc.Number("Uid:", i, 10, 0) != 0 && proc.Number("Gid:", i, 10, 0) != 0;
  }
  uint64_t capabilities = 0;
  for (const std::string_view name : {"CapInh:", "CapPrm:", "CapEff:", "CapAmb:"}) {
    capabilities |= proc.Number(name, 0, 16, 1);
  }
  status->uid = static_cast<uid_t>(proc.Number("Uid:", 1, 10, 0));
  status->gid = static_cast<gid_t>(proc.Number("Gid:", 1, 10, 0));
  status->privileges_dropped = unprivileged && capabilities == 0;
  status->groups_dropped = proc.Number("Groups:", 0, 10, UINT64_MAX) == UINT64_MAX;
  status->no_new_privs = proc.Number("NoNewPrivs:", 0, 10, 0) == 1;
  status->seccomp = proc.Number("Seccomp:", 0, 10, 0) == 2;
  status->single_thread = proc.Number("Threads:", 0, 10, 0) == 1;
  status->not_dumpable = proc.owner() != status->uid;
  status->rlimits = LimitIsZero(limits, "Max core file size") &&
                    LimitIsZero(limits, "Max processes") &&
                    LimitIsZero(limits, "Max locked memory");
}

}  // namespace

Failure ProbeLockdown(const LockdownOptions& options, LockdownStatus* status) {
  *status = LockdownStatus{};
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return LockdownFailure("lockdown-probe", "no socket pair");
  }
  UniqueFd ours(ends[0]);
  UniqueFd theirs(ends[1]);
  const pid_t pid = fork();
  if (pid == 0) {
    RunChild(options, theirs.get());
  }
  if (pid < 0) {
    return LockdownFailure("lockdown-probe", "no child process");
  }
  theirs.Reset();
  ChildAccount account;
  Failure failure;
  ProcFile proc;
  ProcFile limits;
  if (read(ours.get(), &account, sizeof account) != sizeof account) {
    failure = LockdownFailure("lockdown-probe", "the child process died");
  } else if (account.failure.failed()) {
    failure = account.failure;
  } else if (!proc.Read(pid, "status") || !limits.Read(pid, "limits")) {
    failure = LockdownFailure("lockdown-probe", "/proc cannot be read");
  } else {
    *status = account.status;
    ReadKernelAccount(proc, limits, status);
  }
  ours.Reset();
  (void)kill(pid, SIGKILL);
  while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  return failure;
}

void RenderLockdown(const LockdownStatus& status, bool json, TextBuffer& out) {
  bool first = true;
  const auto name = [&](std::string_view text) {
    if (json) {
      out.Add(first ? "{" : ",").AddJsonString(text).AddChar(':');
    } else {
      out.Add(text).Add(": ");
    }
    first = false;
  };
  const auto end = [&] { json ? out.Add("") : out.AddChar('\n'); };
  const auto flag = [&](std::string_view text, bool value) {
    name(text);
    out.Add(json ? (value ? "true" : "false") : (value ? "yes" : "no"));
    end();
  };
  const auto number = [&](std::string_view text, uint64_t value) {
    name(text);
    out.AddUnsigned(value);
    end();
  };
  flag("single_thread", status.single_thread);
  flag("no_new_privs", status.no_new_privs);
  flag("not_dumpable", status.not_dumpable);
  flag("privileges_dropped", status.privileges_dropped);
  flag("groups_dropped", status.groups_dropped);
  number("uid", status.uid);
  number("gid", status.gid);
  flag("descriptors_closed", status.descriptors_closed);
  flag("rlimits", status.rlimits);
  flag("seccomp", status.seccomp);
  number("seccomp_instructions", status.seccomp_instructions);
  flag("landlock", status.landlock);
  number("landlock_abi", static_cast<uint64_t>(status.landlock_abi));
  flag("namespaces", status.namespaces);
  flag("memory_deny_write_execute", status.memory_deny_write_execute);
  flag("speculation_controls", status.speculation_controls);
  flag("dies_with_owner", status.dies_with_owner);
  out.Add(json ? "}\n" : "");
}

}  // namespace zvm
