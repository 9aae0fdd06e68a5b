#include "session/trace.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "abi/trap.h"

namespace zvm {
namespace {

constexpr unsigned kMicrosecondDigits = 6;
constexpr size_t kLineSizeMax = 256;
constexpr std::string_view kCutText = "[64 MiB: traps are not told any more]";

struct TrapName {
  uint64_t function;
  std::string_view name;
  unsigned arguments;
  int pointer;  // index of the argument that is a guest address, -1 = none
};
constexpr TrapName kTrapNames[] = {
    {ZVM_TRAP_READ, "TrapRead", 4, 1},     {ZVM_TRAP_WRITE, "TrapWrite", 4, 1},
    {ZVM_TRAP_JAIL, "TrapJail", 2, 0},     {ZVM_TRAP_UNJAIL, "TrapUnjail", 2, 0},
    {ZVM_TRAP_EXIT, "TrapExit", 1, -1},    {ZVM_TRAP_FORK, "TrapFork", 0, -1},
};

void AddPointer(TextBuffer& text, uint64_t value) {
  if (value == 0) {
    text.Add("(nil)");
  } else {
    text.Add("0x").AddHex(value);
  }
}

void AddCall(TextBuffer& text, const TrapRecord& record) {
  for (const TrapName& row : kTrapNames) {
    if (row.function != record.function) {
      continue;
    }
    text.Add(row.name).AddChar('(');
    for (unsigned i = 0; i < row.arguments; ++i) {
      text.Add(i == 0 ? "" : ", ");
      if (static_cast<int>(i) == row.pointer) {
        AddPointer(text, record.arguments[i]);
      } else {
        text.AddSigned(static_cast<int64_t>(record.arguments[i]));
      }
    }
    text.Add(") = ").AddSigned(record.result);
    return;
  }
  text.Add("Trap 0x").AddHex(record.function).Add(" = ").AddSigned(record.result);
}

}  // namespace

Failure Trace::Open(const char* path) {
  if (path[0] != '/') {
    return MakeFailure(EFAULT, "trace-path-relative", "the trace file needs an absolute path");
  }
  fd_.Reset(open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600));
  if (!fd_.valid()) {
    return MakeFailure(errno, "trace-open-failed", "cannot open the trace file");
  }
  start_us_ = last_us_ = MonotonicUs();
  buffer_.AddChar('[').AddUnsigned(static_cast<uint64_t>(getpid())).Add("] ");
  buffer_.Add("000000000000000000000000000000000000000000000000\n");
  return {};
}

void Trace::Line(std::string_view text) {
  if (!fd_.valid()) {
    return;
  }
  if (kBufferSizeBytes - buffer_.size() < kLineSizeMax) {
    Flush();
  }
  const uint64_t now = MonotonicUs();
  const size_t before = buffer_.size();
  buffer_.AddFixed(now - start_us_, kMicrosecondDigits).Add(" [");
  buffer_.AddFixed(now - last_us_, kMicrosecondDigits).Add("]: ").Add(text).AddChar('\n');
  file_size_bytes_ += buffer_.size() - before;
  last_us_ = now;
}

void Trace::Milestone(std::string_view name) {
  FixedText<kLineSizeMax / 2> text;
  text.AddChar('[').Add(name).AddChar(']');
  Line(text.view());
}

std::string_view Trace::Bounded(std::string_view line, uint64_t size_bytes, bool& full) {
  if (full) {
    return {};
  }
  full = size_bytes > kTraceSizeMax - kLineSizeMax;
  return full ? kCutText : line;
}

void Trace::Echo(std::string_view text) {
  FixedText<kLineSizeMax> line;
  line.Add(text).AddChar('\n');
  echo_size_bytes_ += line.size();
  // A reader that does not read is not waited for a second time.
  echo_ = WriteAll(STDERR_FILENO, line.view());
}

void Trace::OnTrap(const TrapRecord& record) {
  FixedText<kLineSizeMax / 2> text;
  AddCall(text, record);
  if (fd_.valid()) {
    const std::string_view line = Bounded(text.view(), file_size_bytes_, file_full_);
    if (!line.empty()) {
      Line(line);
    }
  }
  if (echo_) {
    const std::string_view line = Bounded(text.view(), echo_size_bytes_, echo_full_);
    if (!line.empty()) {
      Echo(line);
    }
  }
}

void Trace::Flush() {
  if (fd_.valid()) {
    if (!WriteAll(fd_.get(), buffer_.view())) {
      fd_.Reset();
    }
    buffer_.Clear();
  }
}

}  // namespace zvm
