// One run of a command-line tool as a stranger would see it: exit status or signal, what it wrote,
// and whether it left anything behind. A hard timeout kills what hangs.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace zvm::test {

struct ToolResult {
  bool timed_out = false;
  int status = -1;            // exit status, or -1
  int signal = 0;             // that ended the process, or 0
  std::string output;         // of descriptor 1
  bool left_process = false;  // some process of the run was still there at its end
};

// Called every few milliseconds while the tool runs, with its process id.
using WhileRunning = std::function<void(int pid)>;

// Runs `words` (program first) in `folder`, standard input and error on /dev/null.
ToolResult RunTool(const std::vector<std::string>& words, const std::string& folder, int timeout_ms,
                   const WhileRunning& while_running = nullptr);

// A folder that is removed with everything in it.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::string& path() const { return path_; }
  void Write(const std::string& name, const std::string& bytes) const;
  std::string Read(const std::string& name) const;
  // Names of all entries, sorted, joined by blanks.
  std::string List() const;

 private:
  std::string path_;
};

// Text after `"key":` in a report, up to the next comma or bracket, without quotes; "" when absent.
std::string JsonField(const std::string& json, const std::string& key);

}  // namespace zvm::test
