// See process.h.
#include "guest/driver/process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/unique_fd.h"

extern char** environ;

namespace zvm::guest {
namespace {

bool verbose_commands = false;
std::string_view program_name = "zvm-cc";

std::vector<char*> Pointers(const Arguments& arguments) {
  std::vector<char*> pointers;
  for (const std::string& argument : arguments)
    pointers.push_back(const_cast<char*>(argument.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

void PrintCommand(const Arguments& arguments) {
  std::string line;
  for (const std::string& argument : arguments) line.append(" ").append(argument);
  fprintf(stderr, "%s\n", line.c_str());
}

// A file in memory that holds `text`, positioned at its start.
UniqueFd MemoryFile(std::string_view text) {
  UniqueFd file(memfd_create("zvm-cc", MFD_CLOEXEC));
  size_t done = 0;
  while (file.get() >= 0 && done < text.size()) {
    const ssize_t wrote = write(file.get(), text.data() + done, text.size() - done);
    if (wrote <= 0) return UniqueFd();
    done += static_cast<size_t>(wrote);
  }
  if (file.get() >= 0 && lseek(file.get(), 0, SEEK_SET) != 0) return UniqueFd();
  return file;
}

void ReadAll(int fd, std::string* out) {
  for (;;) {
    const size_t have = out->size();
    out->resize(have + 65536);
    const ssize_t got = read(fd, out->data() + have, 65536);
    out->resize(have + (got > 0 ? static_cast<size_t>(got) : 0));
    if (got == 0 || (got < 0 && errno != EINTR)) return;
  }
}

int WaitFor(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return 127;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

void SetVerbose(bool verbose) { verbose_commands = verbose; }
void SetProgramName(std::string_view name) { program_name = name; }

void PrintError(std::string_view message) {
  fprintf(stderr, "%.*s: error: %.*s\n", static_cast<int>(program_name.size()), program_name.data(),
          static_cast<int>(message.size()), message.data());
}

int Run(const RunRequest& request) {
  if (verbose_commands) PrintCommand(request.arguments);
  UniqueFd input, read_end, write_end;
  if (request.has_input) {
    input = MemoryFile(request.input);
    if (input.get() < 0) {
      PrintError("no memory for the text between two tools");
      return 127;
    }
  }
  if (request.output != nullptr) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return 127;
    read_end = UniqueFd(ends[0]);
    write_end = UniqueFd(ends[1]);
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  if (request.has_input) posix_spawn_file_actions_adddup2(&actions, input.get(), STDIN_FILENO);
  if (request.output != nullptr) {
    posix_spawn_file_actions_adddup2(&actions, write_end.get(), STDOUT_FILENO);
  }
  if (request.quiet) {
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  }
  pid_t pid = -1;
  const int failed = posix_spawnp(&pid, request.arguments[0].c_str(), &actions, nullptr,
                                  Pointers(request.arguments).data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) {
    PrintError("cannot start " + request.arguments[0] + ": " + strerror(failed));
    return 127;
  }
  write_end = UniqueFd();
  if (request.output != nullptr) ReadAll(read_end.get(), request.output);
  return WaitFor(pid);
}

void Exec(const Arguments& arguments) {
  if (verbose_commands) PrintCommand(arguments);
  execvp(arguments[0].c_str(), Pointers(arguments).data());
  PrintError("cannot start " + arguments[0] + ": " + strerror(errno));
}

}  // namespace zvm::guest
