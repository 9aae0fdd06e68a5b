// See tool_run.h.
#include "tool_run.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "base/check.h"

namespace zvm::test {
namespace {

constexpr int kPollMs = 5;

int64_t NowMs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
}

[[noreturn]] void Exec(std::vector<char*>& words, const char* folder, int output) {
  setpgid(0, 0);
  const int null = open("/dev/null", O_RDWR);
  if (chdir(folder) == 0 && dup2(null, 0) == 0 && dup2(output, 1) == 1 && dup2(null, 2) == 2) {
    execv(words[0], words.data());
  }
  _exit(126);
}

// Reads what is there; false at the end of the output.
bool ReadSome(int fd, std::string& output) {
  char block[65536];
  const ssize_t got = read(fd, block, sizeof block);
  if (got > 0) {
    output.append(block, static_cast<size_t>(got));
  }
  return got > 0;
}

// True when a process of the group, or one that was left to us, still lives.
bool AnyProcessLeft(pid_t group) {
  const bool in_group = kill(-group, 0) == 0;
  int status;
  const bool orphan = waitpid(-1, &status, WNOHANG) >= 0;
  kill(-group, SIGKILL);
  return in_group || orphan;
}

}  // namespace

ToolResult RunTool(const std::vector<std::string>& words, const std::string& folder, int timeout_ms,
                   const WhileRunning& while_running) {
  // Orphans of the tool become children of this process and are seen.
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  std::vector<char*> argv;
  for (const std::string& word : words) {
    argv.push_back(const_cast<char*>(word.c_str()));
  }
  argv.push_back(nullptr);
  int ends[2];
  ZVM_CHECK(pipe2(ends, O_CLOEXEC) == 0);
  const pid_t child = fork();
  ZVM_CHECK(child >= 0);
  if (child == 0) {
    Exec(argv, folder.c_str(), ends[1]);
  }
  setpgid(child, child);
  close(ends[1]);
  ToolResult result;
  const int64_t deadline = NowMs() + timeout_ms;
  for (bool open = true; open;) {
    pollfd waiting = {.fd = ends[0], .events = POLLIN, .revents = 0};
    if (poll(&waiting, 1, while_running ? kPollMs : timeout_ms) > 0) {
      open = ReadSome(ends[0], result.output);
    } else if (while_running) {
      while_running(child);
    }
    if (NowMs() > deadline) {
      result.timed_out = true;
      kill(-child, SIGKILL);
      break;
    }
  }
  close(ends[0]);
  int status = 0;
  ZVM_CHECK(waitpid(child, &status, 0) == child);
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  result.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  result.left_process = AnyProcessLeft(child);
  return result;
}

TempFolder::TempFolder() {
  char pattern[] = "/tmp/zvm-attack-XXXXXX";
  ZVM_CHECK(mkdtemp(pattern) != nullptr);
  path_ = pattern;
}

TempFolder::~TempFolder() {
  std::istringstream names(List());
  for (std::string name; names >> name;) {
    unlink((path_ + "/" + name).c_str());
  }
  rmdir(path_.c_str());
}

void TempFolder::Write(const std::string& name, const std::string& bytes) const {
  std::ofstream file(path_ + "/" + name, std::ios::binary | std::ios::trunc);
  file << bytes;
  ZVM_CHECK(file.good());
}

std::string TempFolder::Read(const std::string& name) const {
  std::ifstream file(path_ + "/" + name, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string TempFolder::List() const {
  std::vector<std::string> names;
  DIR* const folder = opendir(path_.c_str());
  ZVM_CHECK(folder != nullptr);
  while (const dirent* const entry = readdir(folder)) {
    if (entry->d_name[0] != '.') {
      names.push_back(entry->d_name);
    }
  }
  closedir(folder);
  std::sort(names.begin(), names.end());
  std::string joined;
  for (const std::string& name : names) {
    joined += (joined.empty() ? "" : " ") + name;
  }
  return joined;
}

std::string JsonField(const std::string& json, const std::string& key) {
  const std::string quoted = "\"" + key + "\":";
  const size_t at = json.find(quoted);
  if (at == std::string::npos) {
    return "";
  }
  const size_t start = at + quoted.size();
  std::string value = json.substr(start, json.find_first_of(",}]", start) - start);
  std::erase(value, '"');
  return value;
}

}  // namespace zvm::test
