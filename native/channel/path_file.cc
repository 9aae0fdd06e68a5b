#include "channel/path_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <string_view>
#include <utility>

#include "base/text_buffer.h"

namespace zvm {
namespace {

// Links from a missing name to the file to be made; the kernel's own limit.
constexpr int kLinksMax = 40;
constexpr mode_t kCreatedFileMode = 0600;

// The target of a link as a path, empty when `path` is no link.
std::string TargetOfLink(const std::string& path) {
  char target[PATH_MAX];
  const ssize_t size = readlink(path.c_str(), target, sizeof target);
  if (size <= 0 || size == sizeof target) {
    return {};
  }
  std::string_view text(target, static_cast<size_t>(size));
  if (text.front() == '/') {
    return std::string(text);
  }
  return path.substr(0, path.rfind('/') + 1).append(text);
}

}  // namespace

FoundFile FindFile(std::string path, int create_mode) {
  FoundFile found;
  for (int i = 0; i < kLinksMax; ++i) {
    found.pin.Reset(open(path.c_str(), O_PATH | O_CLOEXEC));
    if (found.pin.valid()) {
      return found;
    }
    found.error = errno;
    if (found.error != ENOENT || create_mode == O_RDONLY) {
      return found;
    }
    // Exclusive, so that what we remove after a failure is surely ours.
    found.fd.Reset(open(path.c_str(), create_mode | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY,
                        kCreatedFileMode));
    if (found.fd.valid()) {
      found.created_path = std::move(path);
      return found;
    }
    found.error = errno;
    if (found.error != EEXIST) {
      return found;
    }
    // Either a link to nothing, whose target is to be made, or somebody was faster: look again.
    if (std::string target = TargetOfLink(path); !target.empty()) {
      path = std::move(target);
    }
  }
  found.error = ELOOP;
  return found;
}

UniqueFd OpenPinned(const UniqueFd& pin, int flags, const StopRequest& stop, int* error) {
  FixedText<40> path;
  path.Add("/proc/self/fd/").AddUnsigned(static_cast<unsigned>(pin.get())).AddChar('\0');
  while (!stop.requested()) {
    UniqueFd fd(open(path.view().data(), flags | O_CLOEXEC | O_NOCTTY));
    if (fd.valid()) {
      return fd;
    }
    if (errno != EINTR) {
      *error = errno;
      return {};
    }
  }
  *error = EINTR;
  return {};
}

}  // namespace zvm
