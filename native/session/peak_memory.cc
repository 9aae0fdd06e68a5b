#include "session/peak_memory.h"

#include <fcntl.h>

#include <charconv>
#include <string_view>

namespace zvm {

void PeakMemory::Open() { status_.Reset(open("/proc/self/status", O_RDONLY | O_CLOEXEC)); }

uint64_t PeakMemory::Bytes() const {
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
