// The command line of zvm-run: words in, options out. Nothing is opened or printed here.
#pragma once

#include <string_view>

#include "base/failure.h"
#include "base/result.h"
#include "manifest/manifest.h"
#include "session/session.h"

namespace zvm {

struct RunOptions {
  const char* manifest_path = nullptr;  // nullptr only with show_lockdown or help
  ManifestMode mode = ManifestMode::kStrict;
  const char* trace_path = nullptr;
  bool show_lockdown_only = false;
  bool help = false;
  SessionOptions session;
};

// Status 22 (usage) or 14 (a number that is none). Docs: docs/abi.md §9.1.
[[nodiscard]] Result<RunOptions, Failure> ParseRunOptions(int argc, char** argv);

extern const std::string_view kRunUsage;

}  // namespace zvm
