// Where the manifest parser stands and the first error it met. Every token of the parser is a view
// into the line being read, so a token is also its own position. Used by the files of this folder.
#pragma once

#include <string_view>

#include "base/check.h"
#include "base/failure.h"
#include "manifest/manifest.h"

namespace zvm {

// User text made fit for a one-line message: unprintable bytes become '?', at most 40 bytes stay.
class Quoted {
 public:
  explicit Quoted(std::string_view text) {
    for (const char c : text.substr(0, sizeof text_)) {
      text_[size_++] = c < 0x20 || c == 0x7F ? '?' : c;
    }
  }
  operator std::string_view() const { return {text_, size_}; }

 private:
  char text_[40];
  size_t size_ = 0;
};

class ErrorSink {
 public:
  void EnterLine(std::string_view line, unsigned number) {
    line_ = line;
    number_ = number;
  }

  // `token` must be a view into the current line (its end counts).
  ManifestPlace PlaceOf(std::string_view token) const {
    ZVM_CHECK(token.data() >= line_.data() && token.data() <= line_.data() + line_.size());
    return {number_, static_cast<unsigned>(token.data() - line_.data()) + 1};
  }

  // Records the error and returns false, so that a parser can say `return errors.Fail(...)`.
  template <class... Parts>
  bool Fail(ManifestPlace place, std::string_view code, const Parts&... parts) {
    failure_ = MakeFailure(kStatus, code, parts...);
    failure_.line = place.line;
    failure_.column = place.column;
    return false;
  }

  template <class... Parts>
  bool FailAt(std::string_view token, std::string_view code, const Parts&... parts) {
    return Fail(PlaceOf(token), code, parts...);
  }

  const Failure& failure() const { return failure_; }

  // Every error in the text of a manifest ends with this process status (EFAULT, by tradition).
  static constexpr int kStatus = EFAULT;

 private:
  std::string_view line_;
  unsigned number_ = 0;
  Failure failure_;
};

}  // namespace zvm
