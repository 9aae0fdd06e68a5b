// Cuts manifest text into `Key = value` entries (docs/abi.md §5.1). The only place that knows
// lines, comments and the lexical difference of the two modes; knows no keyword.
#pragma once

#include <string_view>

#include "manifest/error_sink.h"
#include "manifest/manifest.h"

namespace zvm {

// Both parts are stripped views into the line that `errors` has entered.
struct ManifestEntry {
  std::string_view key;
  std::string_view value;
};

// One pass over the text; every byte is looked at a constant number of times.
class EntryReader {
 public:
  // `text` and `errors` must outlive the reader.
  EntryReader(std::string_view text, ManifestMode mode, ErrorSink& errors);

  enum class Step { kEntry, kEnd, kFailed };
  Step Next(ManifestEntry& entry);

 private:
  bool TakeLine(std::string_view& line);
  Step ReadStrict(std::string_view line, ManifestEntry& entry);
  bool CheckBytes(std::string_view line);

  std::string_view rest_;
  ManifestMode mode_;
  ErrorSink& errors_;
  unsigned line_number_ = 0;
};

}  // namespace zvm
