// Runs zvm-run as a user would and collects what it said.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace zvm {

struct ToolResult {
  int status = -1;   // exit status, or 128 + signal
  std::string out;
  std::string err;
  std::string limits;  // /proc/PID/limits of the moment before the signal
  double seconds = 0;
};

// A folder of its own for each test, removed with everything in it at the end.
class TestFolder {
 public:
  TestFolder();
  ~TestFolder();
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  std::string Path(const std::string& name) const { return path_ + "/" + name; }
  std::string Write(const std::string& name, const std::string& text) const;
  std::string Read(const std::string& name) const;
  bool Exists(const std::string& name) const;

 private:
  std::string path_;
};

struct ToolOptions {
  int signal = 0;             // sent after signal_after_ms
  int signal_after_ms = 0;
  unsigned uid = 0;           // runs as this user when not 0
  int keep_fd = -1;           // stays open in the tool
};

// Kills the tool and fails after 20 s.
ToolResult RunTool(const std::vector<std::string>& arguments, const ToolOptions& options = {});

// Path of a guest in assembly: test/guest/asm/NAME.S.
std::string Guest(const std::string& name);

// A manifest with the three standard channels: stdin from `input`, stdout and stderr to /dev/null
// unless `output` names a file. Extra lines are appended.
std::string Manifest(const std::string& program, const std::string& input = "/dev/null",
                     const std::string& output = "/dev/null", const std::string& extra = "");

// The classic state line: the sixth of the report.
std::string StateLine(const std::string& report);
// True when the JSON report holds `"key":value` literally.
bool Has(const std::string& report, const std::string& key_and_value);

}  // namespace zvm
