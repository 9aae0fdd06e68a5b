// What the user asked of zvm-cc or zvm-c++: GCC's command line cut into what the front end, the
// assembler, the linker and we ourselves need. Refuses what the sandbox cannot give, by name.
#pragma once

#include <string>
#include <vector>

#include "guest/driver/process.h"
#include "guest/rewriter/rewriter.h"

namespace zvm::guest {

enum class Stage { kPreprocess, kDependencies, kAssembly, kObject, kLink };
enum class Language { kC, kCxx, kPreprocessedC, kPreprocessedCxx, kAssembly, kAssemblyWithCpp };

struct Input {
  std::string path;  // "-": standard input
  Language language = Language::kC;
};

struct Options {
  bool cxx = false;  // called as zvm-c++
  Stage stage = Stage::kLink;
  Profile profile = Profile::kZvm;
  bool verbose = false;
  bool only_version = false;
  std::string output;                  // -o; empty: the default of the stage
  std::vector<Input> inputs;
  Arguments front_end;                 // passed to GCC in their order
  Arguments link;                      // objects, libraries and linker flags in their order; an
                                       // input to be compiled stands as "\x01" + its index
  std::vector<std::string> answers;    // -print-..., -dumpmachine: what to print instead of working
  bool dependencies_beside = false;    // -MD or -MMD: write a dependency file while compiling
  std::string dependency_file;         // -MF
  bool dependency_target = false;      // -MT or -MQ was given
  bool start_files = true;
  bool default_libraries = true;
  bool standard_headers = true;
  bool cxx_headers = true;
  bool strip = false;
  bool syntax_only = false;            // -fsyntax-only: the front end alone
};

// Prints the reason and returns false when the command line cannot be served.
[[nodiscard]] bool ParseOptions(const Arguments& arguments, Options* options);

// Replaces @file arguments by the words of the file, quotes and backslashes respected.
[[nodiscard]] bool ExpandResponseFiles(Arguments* arguments);

}  // namespace zvm::guest
