#include "session/trace.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

#include "abi/trap.h"

namespace zvm {
namespace {

constexpr unsigned kMicrosecondDigits = 6;
constexpr size_t kLineSizeMax = 256;

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

uint64_t MonotonicUs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000 + static_cast<uint64_t>(now.tv_nsec) / 1000;
}

void WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t wrote = write(fd, text.data(), text.size());
    if (wrote < 0 && errno == EINTR) {
      continue;
    }
    if (wrote <= 0) {
      return;
    }
    text.remove_prefix(static_cast<size_t>(wrote));
  }
}

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
  buffer_.AddFixed(now - start_us_, kMicrosecondDigits).Add(" [");
  buffer_.AddFixed(now - last_us_, kMicrosecondDigits).Add("]: ").Add(text).AddChar('\n');
  last_us_ = now;
}

void Trace::Milestone(std::string_view name) {
  FixedText<kLineSizeMax / 2> text;
  text.AddChar('[').Add(name).AddChar(']');
  Line(text.view());
}

void Trace::OnTrap(const TrapRecord& record) {
  FixedText<kLineSizeMax / 2> text;
  AddCall(text, record);
  Line(text.view());
  if (echo_) {
    text.AddChar('\n');
    WriteAll(STDERR_FILENO, text.view());
  }
}

void Trace::Flush() {
  if (fd_.valid()) {
    WriteAll(fd_.get(), buffer_.view());
    buffer_.Clear();
  }
}

}  // namespace zvm
