#include "addon/spawn.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cerrno>

namespace zvm {
namespace {

// File actions and attributes of posix_spawn, released on every path.
struct SpawnSettings {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;

  SpawnSettings() {
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
  }
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;

  // The worker's end becomes descriptor 0; a group of its own, so that a terminal's signals do not
  // reach it; no signal masked or ignored by inheritance.
  int Set(int socket, int stderr_fd) {
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF |
                                              POSIX_SPAWN_SETSIGMASK);
    int error = posix_spawn_file_actions_adddup2(&actions, socket, 0);
    if (error == 0) {
      error = posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_RDWR, 0);
    }
    if (error == 0) {
      error = stderr_fd >= 0
                  ? posix_spawn_file_actions_adddup2(&actions, stderr_fd, 2)
                  : posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_RDWR, 0);
    }
    return error;
  }
};

int Start(const SpawnRequest& request, int socket, pid_t* pid) {
  SpawnSettings settings;
  if (const int error = settings.Set(socket, request.stderr_fd); error != 0) {
    return error;
  }
  std::string arguments[] = {request.path, request.role, std::to_string(request.cpu_seconds),
                             std::to_string(request.file_size_bytes),
                             std::to_string(request.address_space_bytes),
                             std::to_string(request.tasks_max)};
  char* argv[] = {arguments[0].data(), arguments[1].data(), arguments[2].data(),
                  arguments[3].data(), arguments[4].data(), arguments[5].data(), nullptr};
  char* environment[] = {nullptr};
  return posix_spawn(pid, request.path.c_str(), &settings.actions, &settings.attributes, argv,
                     environment);
}

}  // namespace

int SpawnWorkerProcess(const SpawnRequest& request, SpawnedProcess* process,
                       const char** syscall_name) {
  int ends[2];
  *syscall_name = "socketpair";
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return errno;
  }
  UniqueFd ours(ends[0]);
  const UniqueFd theirs(ends[1]);
  *syscall_name = "fcntl";
  if (fcntl(ours.get(), F_SETFL, O_NONBLOCK) != 0) {
    return errno;
  }
  pid_t pid = -1;
  *syscall_name = "posix_spawn";
  if (const int error = Start(request, theirs.get(), &pid); error != 0) {
    return error;
  }
  // Our own child that nobody else waits for: its number cannot have gone to another process.
  UniqueFd pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd.valid()) {
    const int error = errno;
    *syscall_name = "pidfd_open";
    kill(pid, SIGKILL);
    while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    return error;
  }
  *process = {std::move(ours), std::move(pidfd), pid};
  return 0;
}

int SignalProcess(int pidfd, int signal) {
  return syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) == 0 ? 0 : errno;
}

int CancelSession(int pidfd, uint64_t session_id) {
  siginfo_t info = {};
  info.si_signo = SIGRTMIN;
  info.si_code = SI_QUEUE;
  info.si_pid = getpid();
  info.si_uid = getuid();
  info.si_value.sival_ptr = reinterpret_cast<void*>(session_id);
  return syscall(SYS_pidfd_send_signal, pidfd, SIGRTMIN, &info, 0) == 0 ? 0 : errno;
}

}  // namespace zvm
