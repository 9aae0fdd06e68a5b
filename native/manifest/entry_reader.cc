#include "manifest/entry_reader.h"

#include <algorithm>

#include "manifest/token.h"

namespace zvm {
namespace {

// Strict mode: a line is a comment when it starts with '#' or with the "==" of a ruler or heading.
bool IsComment(std::string_view content) {
  return content.starts_with('#') || content.starts_with("==");
}

// Compat mode: only a line with exactly one '=' says something; all others are ignored.
bool ReadCompat(std::string_view line, ManifestEntry& entry) {
  if (std::count(line.begin(), line.end(), '=') != 1) {
    return false;
  }
  const size_t equals = line.find('=');
  entry = {Strip(line.substr(0, equals)), Strip(line.substr(equals + 1))};
  return true;
}

}  // namespace

EntryReader::EntryReader(std::string_view text, ManifestMode mode, ErrorSink& errors)
    : rest_(text), mode_(mode), errors_(errors) {
  if (mode == ManifestMode::kCompat) {
    rest_ = rest_.substr(0, rest_.find('\0'));  // npos keeps all of it
  }
}

// The next line without its line feed; false at the end of the text.
bool EntryReader::TakeLine(std::string_view& line) {
  if (rest_.empty()) {
    return false;
  }
  ++line_number_;
  size_t end = rest_.find('\n');
  if (mode_ == ManifestMode::kCompat && line_number_ == kManifestLinesMax) {
    end = rest_.npos;  // the classic parser has no room for more lines: the last is all the rest
  }
  line = rest_.substr(0, end);
  rest_.remove_prefix(end == rest_.npos ? rest_.size() : end + 1);
  return true;
}

EntryReader::Step EntryReader::Next(ManifestEntry& entry) {
  std::string_view line;
  while (TakeLine(line)) {
    errors_.EnterLine(line, line_number_);
    if (mode_ == ManifestMode::kCompat) {
      if (ReadCompat(line, entry)) {
        return Step::kEntry;
      }
      continue;
    }
    const Step step = ReadStrict(line, entry);
    if (step != Step::kEnd) {
      return step;
    }
  }
  return Step::kEnd;
}

// kEnd means that the line holds no entry.
EntryReader::Step EntryReader::ReadStrict(std::string_view line, ManifestEntry& entry) {
  if (line_number_ > kManifestLinesMax) {
    errors_.FailAt(line, "too-many-lines", "manifest has too many lines");
    return Step::kFailed;
  }
  if (!CheckBytes(line.ends_with('\r') ? line.substr(0, line.size() - 1) : line)) {
    return Step::kFailed;
  }
  const std::string_view content = Strip(line);
  if (content.empty() || IsComment(content)) {
    return Step::kEnd;
  }
  const size_t equals = content.find('=');
  if (equals == content.npos) {
    errors_.FailAt(content, "missing-equals", "neither a comment nor `Key = value`: '",
                   Quoted(content), "'");
    return Step::kFailed;
  }
  entry.key = Strip(content.substr(0, equals));
  entry.value = Strip(content.substr(equals + 1));
  bool ok = true;
  if (entry.key.empty()) {
    ok = errors_.FailAt(content, "missing-key", "no keyword before '='");
  } else if (entry.key.size() > kManifestTokenSizeMax) {
    ok = errors_.FailAt(entry.key, "key-too-long", "keyword is too long");
  } else if (entry.value.size() > kManifestTokenSizeMax) {
    ok = errors_.FailAt(entry.value, "value-too-long", "value is too long");
  }
  return ok ? Step::kEntry : Step::kFailed;
}

// Comments are checked too: what an operator sees in an editor must be what the parser reads.
bool EntryReader::CheckBytes(std::string_view line) {
  for (const char& c : line) {
    const std::string_view at(&c, 1);
    if (c == '\0') {
      return errors_.FailAt(at, "embedded-nul", "NUL byte in the manifest");
    }
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\t') || byte == 0x7F) {
      return errors_.FailAt(at, "control-character", "control character in the manifest");
    }
  }
  return true;
}

}  // namespace zvm
