#include "session/peak_memory.h"

#include <fcntl.h>

#include <algorithm>
#include <charconv>
#include <string_view>

namespace zvm {

uint64_t DataBytesOfThisProcess() {
  // The sixth field of statm counts pages of data and stack.
  constexpr int kFieldsBefore = 5;
  constexpr uint64_t kHardwarePage = 4096;
  const UniqueFd fd(open("/proc/self/statm", O_RDONLY | O_CLOEXEC));
  char text[128];
  const ssize_t size = fd.valid() ? read(fd.get(), text, sizeof text) : -1;
  std::string_view rest(text, size > 0 ? static_cast<size_t>(size) : 0);
  for (int field = 0; field < kFieldsBefore; ++field) {
    rest.remove_prefix(std::min(rest.find(' '), rest.size()));
    rest.remove_prefix(std::min<size_t>(1, rest.size()));
  }
  uint64_t pages = 0;
  std::from_chars(rest.data(), rest.data() + rest.size(), pages);
  return pages * kHardwarePage;
}

void PeakMemory::Open() { status_.Reset(open("/proc/self/status", O_RDONLY | O_CLOEXEC)); }

void PeakMemory::AllowRestart() {
  restart_.Reset(open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC));
}

void PeakMemory::Restart() {
  constexpr char kResetPeak = '5';  // proc(5), clear_refs
  if (!restart_.valid() || restart_faults_ == faults_) {
    return;
  }
  if (write(restart_.get(), &kResetPeak, 1) == 1) {
    restart_faults_ = faults_;
    bytes_ = 0;
  }
}

uint64_t PeakMemory::Bytes(uint64_t fault_count) {
  if (bytes_ == 0 || faults_ != fault_count) {
    bytes_ = Ask();
    faults_ = fault_count;
  }
  return bytes_;
}

uint64_t PeakMemory::Ask() const {
  constexpr std::string_view kName = "VmHWM:";
  constexpr uint64_t kUnitBytes = 1024;
  char buffer[2048];
  const ssize_t size = status_.valid() ? pread(status_.get(), buffer, sizeof buffer, 0) : -1;
  const std::string_view text(buffer, size > 0 ? static_cast<size_t>(size) : 0);
  const size_t name = text.find(kName);
  const size_t digits = name == text.npos ? text.npos : text.find_first_of("0123456789", name);
  uint64_t value = 0;
  if (digits != text.npos) {
    std::from_chars(text.data() + digits, text.data() + text.size(), value);
  }
  return value * kUnitBytes;
}

}  // namespace zvm
