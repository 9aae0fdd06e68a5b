// Child processes of the drivers and the text that goes in and comes out. No shell is involved.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace zvm::guest {

using Arguments = std::vector<std::string>;

struct RunRequest {
  Arguments arguments;        // [0] is looked up in PATH
  std::string_view input;     // standard input; only when has_input, else inherited
  bool has_input = false;
  std::string* output = nullptr;  // gets standard output; nullptr: inherited
  bool quiet = false;             // standard error goes to /dev/null
};

// Exit status of the child; 128 + signal when it was killed; 127 when it could not be started
// (with a message on standard error). Prints the command first when `SetVerbose(true)` was called.
int Run(const RunRequest& request);
void SetVerbose(bool verbose);

// Replaces this process. Returns only when that fails, after printing why.
void Exec(const Arguments& arguments);

// "zvm-cc: error: ..." on standard error.
void PrintError(std::string_view message);
void SetProgramName(std::string_view name);

}  // namespace zvm::guest
