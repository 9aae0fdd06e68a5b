#include "run_tool.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace zvm {
namespace {

constexpr double kTimeLimitSeconds = 20;

double Now() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

[[noreturn]] void Exec(const std::vector<std::string>& arguments, const ToolOptions& options,
                       int out, int err) {
  dup2(out, STDOUT_FILENO);
  dup2(err, STDERR_FILENO);
  if (options.uid != 0) {
    setgroups(0, nullptr);
    if (setresgid(options.uid, options.uid, options.uid) != 0 ||
        setresuid(options.uid, options.uid, options.uid) != 0) {
      _exit(99);
    }
  }
  std::vector<char*> argv;
  const std::string tool = std::string(ZVM_BUILD_DIR) + "/zvm-run";
  argv.push_back(const_cast<char*>(tool.c_str()));
  for (const std::string& word : arguments) {
    argv.push_back(const_cast<char*>(word.c_str()));
  }
  argv.push_back(nullptr);
  execv(argv[0], argv.data());
  _exit(98);
}

bool Drain(int fd, std::string& text) {
  char block[4096];
  const ssize_t got = read(fd, block, sizeof block);
  if (got > 0) {
    text.append(block, static_cast<size_t>(got));
  }
  return got > 0;
}

}  // namespace

TestFolder::TestFolder() {
  char path[] = "/tmp/zvm-test-XXXXXX";
  REQUIRE(mkdtemp(path) != nullptr);
  path_ = path;
  chmod(path, 0777);
}

TestFolder::~TestFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TestFolder::Write(const std::string& name, const std::string& text) const {
  std::ofstream(Path(name), std::ios::binary) << text;
  return Path(name);
}

std::string TestFolder::Read(const std::string& name) const {
  std::ostringstream text;
  text << std::ifstream(Path(name), std::ios::binary).rdbuf();
  return text.str();
}

bool TestFolder::Exists(const std::string& name) const {
  return std::filesystem::exists(Path(name));
}

ToolResult RunTool(const std::vector<std::string>& arguments, const ToolOptions& options) {
  int out[2], err[2];
  REQUIRE(pipe2(out, O_CLOEXEC) == 0);
  REQUIRE(pipe2(err, O_CLOEXEC) == 0);
  const double start = Now();
  const pid_t pid = fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    // What this process itself has inherited is not for the tool.
    close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC);
    if (options.keep_fd >= 0) {
      fcntl(options.keep_fd, F_SETFD, 0);
    }
    Exec(arguments, options, out[1], err[1]);
  }
  close(out[1]);
  close(err[1]);
  ToolResult result;
  bool out_open = true, err_open = true, signalled = options.signal == 0;
  while (out_open || err_open) {
    pollfd fds[2] = {{out_open ? out[0] : -1, POLLIN, 0}, {err_open ? err[0] : -1, POLLIN, 0}};
    poll(fds, 2, 5);
    out_open = out_open && (fds[0].revents == 0 || Drain(out[0], result.out));
    err_open = err_open && (fds[1].revents == 0 || Drain(err[0], result.err));
    if (!signalled && (Now() - start) * 1000 >= options.signal_after_ms) {
      std::ostringstream limits;
      limits << std::ifstream("/proc/" + std::to_string(pid) + "/limits").rdbuf();
      result.limits = limits.str();
      kill(pid, options.signal);
      signalled = true;
    }
    if (Now() - start > kTimeLimitSeconds) {
      kill(pid, SIGKILL);
    }
  }
  int status = 0;
  waitpid(pid, &status, 0);
  result.seconds = Now() - start;
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  close(out[0]);
  close(err[0]);
  return result;
}

std::string Guest(const std::string& name) {
  return std::string(ZVM_BUILD_DIR) + "/guest/asm/" + name + ".nexe";
}

std::string Manifest(const std::string& program, const std::string& input,
                     const std::string& output, const std::string& extra) {
  return "Version = 20130611\nProgram = " + program +
         "\nMemory = 33554432, 0\nTimeout = 5\n"
         "Channel = " + input + ", /dev/stdin, 0, 0, 99, 9999, 0, 0\n"
         "Channel = " + output + ", /dev/stdout, 0, 0, 0, 0, 99, 9999\n"
         "Channel = /dev/null, /dev/stderr, 0, 0, 0, 0, 99, 9999\n" + extra;
}

std::string StateLine(const std::string& report) {
  std::istringstream lines(report);
  std::string line;
  for (int i = 0; i < 6; ++i) {
    if (!std::getline(lines, line)) {
      return "(no state line)";
    }
  }
  return line;
}

bool Has(const std::string& report, const std::string& key_and_value) {
  return report.find(key_and_value) != std::string::npos;
}

}  // namespace zvm
