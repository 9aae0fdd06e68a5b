// Streams chunks: answers are written whenever the input has to be waited for, so the tool serves a
// peer that sends one line and waits as well as a file of millions.
#include "tools/validate_hex.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "tools/validate_judge.h"

namespace zvm {
namespace {

constexpr size_t kReadSize = 256 * 1024;
constexpr size_t kLineMax = 64 * 1024 * 1024;
constexpr size_t kBundle = 32;
constexpr size_t kViolationsPerLine = 64;

int HexDigit(char c) {
  return c >= '0' && c <= '9' ? c - '0'
         : c >= 'a' && c <= 'f' ? c - 'a' + 10
         : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                : -1;
}

class HexSession {
 public:
  explicit HexSession(const ValidateArguments& arguments)
      : arguments_(arguments), judge_(arguments) {}

  int Run();

 private:
  bool TakeLines(bool end_of_input);
  bool TakeLine(std::string_view line);
  bool Decode(std::string_view line);
  void Answer();
  bool Flush();
  bool Complain(const char* what);

  const ValidateArguments& arguments_;
  ChunkJudge judge_;
  std::string input_;
  size_t scanned_ = 0;  // no line end before here
  std::string output_;
  std::vector<uint8_t> code_;
  size_t size_ = 0;  // of the chunk before padding
  uint64_t line_ = 0;
  bool disagreed_ = false;
};

bool HexSession::Complain(const char* what) {
  Flush();
  std::fprintf(stderr, "zvm-validate: line %llu: %s\n", static_cast<unsigned long long>(line_),
               what);
  return false;
}

bool HexSession::Decode(std::string_view line) {
  if (line.size() % 2 != 0) {
    return Complain("an odd number of hexadecimal digits");
  }
  size_ = line.size() / 2;
  code_.assign((size_ + kBundle - 1) / kBundle * kBundle, 0xf4);
  for (size_t i = 0; i < size_; ++i) {
    const int high = HexDigit(line[2 * i]);
    const int low = HexDigit(line[2 * i + 1]);
    if (high < 0 || low < 0) {
      return Complain("not a hexadecimal digit");
    }
    code_[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return true;
}

void AppendHex(std::span<const uint8_t> bytes, std::string& out) {
  constexpr char kDigits[] = "0123456789abcdef";
  for (const uint8_t byte : bytes) {
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
}

// With --load a refused chunk is shown as it came: a partial rewriting means nothing.
void HexSession::Answer() {
  std::string hex;
  std::vector<uint8_t> original;
  if (arguments_.load) {
    original = code_;
  }
  const Verdict verdict = judge_.Judge(code_, arguments_.json ? kViolationsPerLine : 0);
  if (arguments_.load) {
    const std::vector<uint8_t>& shown = verdict.valid ? code_ : original;
    AppendHex({shown.data(), size_}, hex);
  }
  if (arguments_.json) {
    const std::string_view view = hex;
    AppendVerdictJson(verdict, judge_.violations(), arguments_.load ? &view : nullptr, output_);
  } else {
    output_ += verdict.valid ? '1' : '0';
    output_ += arguments_.load ? " " + hex : "";
  }
  output_ += '\n';
}

bool HexSession::TakeLine(std::string_view line) {
  ++line_;
  if (!line.empty() && line.back() == '\r') {
    line.remove_suffix(1);
  }
  if (!Decode(line)) {
    return false;
  }
  Answer();
  if (judge_.difference() >= 0) {
    disagreed_ = true;
    std::fprintf(stderr, "zvm-validate: line %llu: paths disagree at offset 0x%llx\n",
                 static_cast<unsigned long long>(line_),
                 static_cast<unsigned long long>(judge_.difference()));
  }
  return output_.size() < kReadSize || Flush();
}

bool HexSession::TakeLines(bool end_of_input) {
  size_t start = 0;
  size_t line_end = input_.find('\n', scanned_);
  while (line_end != std::string::npos) {
    if (!TakeLine({input_.data() + start, line_end - start})) {
      return false;
    }
    start = line_end + 1;
    line_end = input_.find('\n', start);
  }
  input_.erase(0, start);
  scanned_ = input_.size();
  if (input_.size() > kLineMax) {
    ++line_;
    return Complain("the line is too long");
  }
  return !end_of_input || input_.empty() || TakeLine(input_);
}

bool HexSession::Flush() {
  for (size_t written = 0; written < output_.size();) {
    const ssize_t n = write(STDOUT_FILENO, output_.data() + written, output_.size() - written);
    if (n < 0 && errno != EINTR) {
      return false;
    }
    written += n > 0 ? static_cast<size_t>(n) : 0;
  }
  output_.clear();
  return true;
}

int HexSession::Run() {
  std::vector<char> block(kReadSize);
  for (;;) {
    const ssize_t n = read(STDIN_FILENO, block.data(), block.size());
    if (n < 0) {
      if (errno == EINTR) {
        continue;
      }
      std::fprintf(stderr, "zvm-validate: standard input: %s\n", std::strerror(errno));
      return 2;
    }
    input_.append(block.data(), static_cast<size_t>(n));
    if (!TakeLines(n == 0) || !Flush()) {
      return 2;
    }
    if (n == 0) {
      return disagreed_ ? 1 : 0;
    }
  }
}

}  // namespace

int RunHex(const ValidateArguments& arguments) { return HexSession(arguments).Run(); }

}  // namespace zvm
