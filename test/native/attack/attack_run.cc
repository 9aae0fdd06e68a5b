// See attack_run.h.
#include "attack_run.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/check.h"
#include "base/unique_fd.h"

namespace zvm::test {
namespace {

constexpr int kTimeoutMs = 30'000;
constexpr size_t kStdinSizeBytes = 466;
const std::string kFilesBefore = "canary manifest stdin";
const std::string kCanary = "this file belongs to the host\n";

const char* const kStandardChannels[] = {
    "@/stdin, /dev/stdin, 0, 0, 1000000, 1000000, 0, 0",
    "@/stdout, /dev/stdout, 0, 0, 0, 0, 1000000, 1000000",
    "@/stderr, /dev/stderr, 0, 0, 0, 0, 1000000, 1000000",
};

std::string StdinBytes() {
  std::string bytes(kStdinSizeBytes, 0);
  for (size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<char>(i * 7 + 3);
  }
  return bytes;
}

std::string Replace(std::string text, const std::string& folder) {
  const size_t at = text.find('@');
  return at == std::string::npos ? text : text.replace(at, 1, folder);
}

std::string ManifestText(const AttackCase& attack, const std::string& folder) {
  std::string text = "Version = 20130611\nProgram = " ZVM_BUILD_DIR "/guest/attack/" + attack.name +
                     ".nexe\nMemory = " + std::to_string(attack.memory_bytes) +
                     ", 0\nTimeout = 20\n";
  std::vector<std::string> channels = attack.channels;
  for (const std::string standard : kStandardChannels) {
    const std::string alias = standard.substr(standard.find("/dev/"));
    const std::string name = alias.substr(0, alias.find(',') + 1);
    if (std::none_of(channels.begin(), channels.end(), [&](const std::string& line) {
          return line.find(name) != std::string::npos;
        })) {
      channels.push_back(standard);
    }
  }
  while (channels.size() < attack.channel_count) {
    channels.push_back("/dev/null, c" + std::to_string(channels.size()) + ", 0, 0, 1, 1, 0, 0");
  }
  for (const std::string& channel : channels) {
    text += "Channel = " + Replace(channel, folder) + "\n";
  }
  return text;
}

// What the runner does once, when the guest's first byte has arrived on stdout.
class GateAction {
 public:
  GateAction(const AttackCase& attack, const TempFolder& folder)
      : action_(attack.on_gate), folder_(folder) {}

  void operator()(int pid) {
    const std::string output = done_ ? "" : folder_.Read("stdout");
    if (output.empty() || output[0] == 0) {
      return;
    }
    done_ = true;
    if (action_ == "terminate") {
      kill(pid, SIGTERM);
    } else {
      ZVM_CHECK(action_ == "shrink-stdin");
      ZVM_CHECK(truncate((folder_.path() + "/stdin").c_str(), 0) == 0);
    }
  }

 private:
  const std::string action_;
  const TempFolder& folder_;
  bool done_ = false;
};

std::string Found(const ToolResult& run, const std::string& key) {
  if (key == "killed") {
    return std::to_string(run.signal);
  }
  if (key == "status") {
    return std::to_string(run.status);
  }
  if (key == "report") {
    return run.output.empty() ? "none" : "some";
  }
  return JsonField(run.output, key == "code" ? "exitCode" : key);
}

bool Holds(const ToolResult& run, const Expectation& expectation) {
  const bool killed = expectation.contains("killed");
  return killed == (run.signal != 0) &&
         std::all_of(expectation.begin(), expectation.end(),
                     [&](const auto& wanted) { return Found(run, wanted.first) == wanted.second; });
}

// The report's own status is the one that the process ended with.
bool ReportAgrees(const ToolResult& run) {
  return run.output.empty() || JsonField(run.output, "status") == std::to_string(run.status);
}

// The file or FIFO behind the standard input; the silent writer of the FIFO where there is one.
UniqueFd MakeStandardInput(const AttackCase& attack, const TempFolder& folder) {
  if (attack.standard_input == "file") {
    folder.Write("stdin", StdinBytes());
    return UniqueFd();
  }
  const std::string path = folder.path() + "/stdin";
  ZVM_CHECK(mkfifo(path.c_str(), 0600) == 0);
  const bool held = attack.standard_input == "fifo-held";
  return held ? UniqueFd(open(path.c_str(), O_RDWR | O_CLOEXEC)) : UniqueFd();
}

std::string HostChanges(const AttackCase& attack, const TempFolder& folder) {
  std::string files = folder.List();
  for (const char* const output : {" stderr", " stdout"}) {
    if (const size_t at = files.find(output); at != std::string::npos) {
      files.erase(at, std::string_view(output).size());
    }
  }
  if (files != kFilesBefore) {
    return "files: " + files;
  }
  if (folder.Read("canary") != kCanary) {
    return "the canary file changed";
  }
  const bool same = attack.standard_input != "file" || attack.on_gate == "shrink-stdin" ||
                    folder.Read("stdin") == StdinBytes();
  return same ? "" : "the input changed";
}

}  // namespace

std::string JudgeAttack(const AttackCase& attack, const std::string& tool,
                        const std::vector<Expectation>& expected) {
  const TempFolder folder;
  folder.Write("canary", kCanary);
  const UniqueFd writer = MakeStandardInput(attack, folder);
  folder.Write("manifest", ManifestText(attack, folder.path()));
  std::vector<std::string> words = {tool, "--report", "json"};
  words.insert(words.end(), attack.options.begin(), attack.options.end());
  words.push_back(folder.path() + "/manifest");
  GateAction action(attack, folder);
  const WhileRunning while_running =
      attack.on_gate.empty() ? WhileRunning() : [&](int pid) { action(pid); };
  const ToolResult run = RunTool(words, folder.path(), kTimeoutMs, while_running);
  const std::string seen = "status " + std::to_string(run.status) + ", signal " +
                           std::to_string(run.signal) + ", report " + run.output;
  if (run.timed_out) {
    return "does not end";
  }
  if (std::none_of(expected.begin(), expected.end(),
                   [&](const Expectation& one) { return Holds(run, one); })) {
    return "unexpected end: " + seen;
  }
  if (!ReportAgrees(run)) {
    return "report and exit status differ: " + seen;
  }
  if (run.left_process) {
    return "a process was left";
  }
  return HostChanges(attack, folder);
}

}  // namespace zvm::test
