// Manifest file -> text, bounded. Part of manifest.h; the only file of this folder that does I/O.
#include <fcntl.h>
#include <sys/stat.h>

#include "base/unique_fd.h"
#include "manifest/manifest.h"

namespace zvm {
namespace {

constexpr size_t kReadSize = 16 * 1024;

Failure TooLarge() {
  return MakeFailure(EFAULT, "manifest-too-large", "manifest is larger than 512 KiB");
}

// Appends until the end of the file or until one byte more than a manifest may have.
bool ReadBounded(int fd, std::string& text) {
  char block[kReadSize];
  while (text.size() <= kManifestSizeMax) {
    const size_t room = kManifestSizeMax + 1 - text.size();
    const ssize_t got = read(fd, block, room < sizeof block ? room : sizeof block);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got <= 0) {
      return got == 0;
    }
    text.append(block, static_cast<size_t>(got));
  }
  return true;
}

}  // namespace

Result<Manifest, Failure> ReadManifest(const char* path, ManifestMode mode) {
  const UniqueFd fd(open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd.valid()) {
    return Err(MakeFailure(ENOENT, "manifest-open-failed", "manifest open error"));
  }
  struct stat info = {};
  if (fstat(fd.get(), &info) != 0) {
    return Err(MakeFailure(EIO, "manifest-read-failed", "manifest read error"));
  }
  // Saves the reading; devices and FIFOs have no size and are measured by reading.
  if (S_ISREG(info.st_mode) && info.st_size > static_cast<off_t>(kManifestSizeMax)) {
    return Err(TooLarge());
  }
  std::string text;
  if (!ReadBounded(fd.get(), text)) {
    return Err(MakeFailure(EIO, "manifest-read-failed", "manifest read error"));
  }
  if (text.empty()) {
    return Err(MakeFailure(EIO, "manifest-empty", "manifest read error"));
  }
  if (text.size() > kManifestSizeMax) {
    return Err(TooLarge());
  }
  return ParseManifest(text, mode);
}

}  // namespace zvm
