/* What exists of processes, signals and users in a session: one process that is always the same. */
#include <assert.h>
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vfs.h"

enum { PID = 1, SIGNAL_STATUS = 128, CLOCK_TICKS = 100 };

pid_t getpid(void) { return PID; }
pid_t getppid(void) { return 0; }
pid_t getpgrp(void) { return PID; }
pid_t getpgid(pid_t pid) { return pid == 0 || pid == PID ? PID : (pid_t)zvm_result(-ESRCH); }
pid_t getsid(pid_t pid) { return getpgid(pid); }
int issetugid(void) { return 0; }
pid_t setsid(void) { return (pid_t)zvm_result(-EPERM); }
int setpgid(pid_t pid, pid_t group) {
  (void)group;
  return (int)zvm_result(pid == 0 || pid == PID ? -EPERM : -ESRCH);
}

/* New processes do not exist: the errors that say "not here", not "try again". */
pid_t fork(void) { return (pid_t)zvm_result(-ENOSYS); }
pid_t vfork(void) { return (pid_t)zvm_result(-ENOSYS); }
int execve(const char *path, char *const arguments[], char *const environment[]) {
  (void)path, (void)arguments, (void)environment;
  return (int)zvm_result(-ENOSYS);
}
int execv(const char *path, char *const arguments[]) { return execve(path, arguments, NULL); }
int execvp(const char *path, char *const arguments[]) { return execve(path, arguments, NULL); }
int execl(const char *path, const char *first, ...) {
  (void)first;
  return execve(path, NULL, NULL);
}
int execlp(const char *path, const char *first, ...) {
  (void)first;
  return execve(path, NULL, NULL);
}
pid_t wait(int *status) {
  (void)status;
  return (pid_t)zvm_result(-ECHILD);
}
pid_t waitpid(pid_t pid, int *status, int options) {
  (void)pid, (void)options;
  return wait(status);
}

static sigset_t blocked;

/* newlib's raise() runs handlers; what arrives here takes the default action. */
int kill(pid_t pid, int signal) {
  if (signal < 0 || signal >= NSIG) return (int)zvm_result(-EINVAL);
  if (pid != PID && pid != 0 && pid != -1 && pid != -PID) return (int)zvm_result(-ESRCH);
  if (signal == 0 || signal == SIGCHLD || signal == SIGURG || signal == SIGWINCH ||
      signal == SIGCONT) {
    return 0;
  }
  _exit(SIGNAL_STATUS + signal);
}
int killpg(pid_t group, int signal) { return kill(group, signal); }

int sigprocmask(int how, const sigset_t *set, sigset_t *old) {
  const sigset_t before = blocked;
  if (set != NULL) {
    switch (how) {
      case SIG_BLOCK: blocked |= *set; break;
      case SIG_UNBLOCK: blocked &= ~*set; break;
      case SIG_SETMASK: blocked = *set; break;
      default: return (int)zvm_result(-EINVAL);
    }
  }
  if (old != NULL) *old = before;
  return 0;
}
int pthread_sigmask(int how, const sigset_t *set, sigset_t *old) {
  return sigprocmask(how, set, old) < 0 ? errno : 0;
}
int sigpending(sigset_t *set) {
  *set = 0;
  return 0;
}
int sigaction(int number, const struct sigaction *action, struct sigaction *old) {
  _sig_func_ptr before =
      signal(number, action != NULL ? action->sa_handler : SIG_DFL);
  if (before == SIG_ERR) return (int)zvm_result(-EINVAL);
  if (action == NULL) signal(number, before);
  if (old != NULL) *old = (struct sigaction){.sa_handler = before};
  return 0;
}
unsigned alarm(unsigned seconds) {
  (void)seconds; /* no real time passes: an alarm would never be due */
  return 0;
}
int pause(void) { return (int)zvm_result(-EINTR); }

static unsigned NumberFrom(const char *variable, unsigned otherwise) {
  const char *text = getenv(variable);
  if (text == NULL || *text == 0) return otherwise;
  char *end;
  const long long number = strtoll(text, &end, 10); /* what the start has brought in already */
  return *end != 0 || number < 0 || number > UINT32_MAX ? otherwise : (unsigned)number;
}

uid_t getuid(void) { return NumberFrom("UID", 1); }
gid_t getgid(void) { return NumberFrom("GID", 1); }
uid_t geteuid(void) { return getuid(); }
gid_t getegid(void) { return getgid(); }
int setuid(uid_t uid) { return (int)zvm_result(uid == getuid() ? 0 : -EPERM); }
int setgid(gid_t gid) { return (int)zvm_result(gid == getgid() ? 0 : -EPERM); }
int getgroups(int size, gid_t list[]) {
  if (size < 0) return (int)zvm_result(-EINVAL);
  if (size > 0) list[0] = getgid();
  return 1;
}

static char *VariableOr(const char *variable, char *otherwise) {
  char *text = getenv(variable);
  return text != NULL ? text : otherwise;
}

static struct passwd *TheUser(void) {
  static struct passwd user;
  user = (struct passwd){.pw_name = VariableOr("LOGNAME", "root"),
                         .pw_passwd = "",
                         .pw_uid = getuid(),
                         .pw_gid = getgid(),
                         .pw_comment = "",
                         .pw_gecos = "",
                         .pw_dir = VariableOr("HOME", "/"),
                         .pw_shell = VariableOr("SHELL", "")};
  return &user;
}

struct passwd *getpwuid(uid_t uid) { return uid == getuid() ? TheUser() : NULL; }
struct passwd *getpwnam(const char *name) {
  return strcmp(name, VariableOr("LOGNAME", "root")) == 0 ? TheUser() : NULL;
}
struct group *getgrgid(gid_t gid) {
  static struct group group;
  static char *members[] = {NULL};
  if (gid != getgid()) return NULL;
  group = (struct group){
      .gr_name = VariableOr("LOGNAME", "root"), .gr_passwd = "", .gr_gid = gid, .gr_mem = members};
  return &group;
}
struct group *getgrnam(const char *name) {
  return strcmp(name, VariableOr("LOGNAME", "root")) == 0 ? getgrgid(getgid()) : NULL;
}
char *getlogin(void) { return VariableOr("LOGNAME", "root"); }
int getlogin_r(char *name, size_t size) {
  const char *login = getlogin();
  if (strlen(login) >= size) return ERANGE;
  strcpy(name, login);
  return 0;
}

static const char kHost[] = "zvm";

int gethostname(char *name, size_t size) {
  if (size < sizeof kHost) return (int)zvm_result(-ENAMETOOLONG);
  memcpy(name, kHost, sizeof kHost);
  return 0;
}

int sethostname(const char *name, size_t size) {
  (void)name, (void)size;
  return (int)zvm_result(-EPERM);
}

int getdomainname(char *name, size_t size) {
  static const char kNone[] = "(none)";
  if (size < sizeof kNone) return (int)zvm_result(-EINVAL);
  memcpy(name, kNone, sizeof kNone);
  return 0;
}

int uname(struct utsname *out) {
  *out = (struct utsname){"zvm", "zvm", "1", "1", "x86_64"};
  return 0;
}

long sysconf(int name) {
  switch (name) {
    case _SC_PAGESIZE: return getpagesize();
    case _SC_PHYS_PAGES: return zvm_heap_pages(false);
    case _SC_AVPHYS_PAGES: return zvm_heap_pages(true);
    case _SC_OPEN_MAX: return ZVM_OPEN_MAX;
    case _SC_CLK_TCK: return CLOCK_TICKS;
    case _SC_NPROCESSORS_CONF:
    case _SC_NPROCESSORS_ONLN: return 1;
    case _SC_ARG_MAX: return 1 << 20;
    case _SC_CHILD_MAX: return 0;
    case _SC_VERSION: return 200809L;
    case _SC_LINE_MAX: return 2048;
    case _SC_HOST_NAME_MAX: return HOST_NAME_MAX;
    case _SC_SYMLOOP_MAX: return ZVM_LINKS_MAX;
    case _SC_MONOTONIC_CLOCK: return 200112L;
    default: return zvm_result(-EINVAL);
  }
}

long pathconf(const char *path, int name) {
  (void)path;
  switch (name) {
    case _PC_NAME_MAX: return ZVM_NAME_MAX;
    case _PC_PATH_MAX: return ZVM_PATH_MAX;
    case _PC_LINK_MAX: return 65535;
    case _PC_PIPE_BUF: return 65536;
    case _PC_NO_TRUNC: return 1;
    default: return zvm_result(-EINVAL);
  }
}
long fpathconf(int fd, int name) {
  return zvm_descriptor(fd) == NULL ? (long)zvm_result(-EBADF) : pathconf("/", name);
}

static void Say(const char *text) { write(STDERR_FILENO, text, strlen(text)); }

/* newlib's would bring its integer printf into every program. It stands here, with functions that
 * every program has, so that the linker finds it first. */
void __assert_func(const char *file, int line, const char *function, const char *expression) {
  char number[12];
  char *at = number + sizeof number;
  *--at = 0;
  do {
    *--at = (char)('0' + line % 10);
    line /= 10;
  } while (line > 0);
  const char* const parts[] = {"assertion \"",
                               expression,
                               "\" failed: file \"",
                               file,
                               "\", line ",
                               at,
                               function != NULL ? ", function: " : "",
                               function != NULL ? function : "",
                               "\n"};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; ++i) Say(parts[i]);
  abort();
}
