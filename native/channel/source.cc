#include "channel/source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>

#include "base/check.h"
#include "channel/move_all.h"

namespace zvm {
namespace {

// A write of nothing is no end of file but a broken device.
Transfer RefuseEnd(Transfer transfer) {
  if (transfer.end == TransferEnd::kEnd) {
    transfer.end = TransferEnd::kError;
    transfer.error = EIO;
  }
  return transfer;
}

bool FitsFile(int64_t base_offset, size_t size_bytes, int64_t position) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  return position >= 0 && position <= kMax - base_offset &&
         size_bytes <= static_cast<uint64_t>(kMax - base_offset - position);
}

// Removes the file behind `path` only if it is still the one behind `fd`.
void RemoveCreated(const std::string& path, int fd) {
  struct stat opened, named;
  if (fstat(fd, &opened) == 0 && lstat(path.c_str(), &named) == 0 &&
      opened.st_dev == named.st_dev && opened.st_ino == named.st_ino) {
    unlink(path.c_str());
  }
}

int CloseNow(UniqueFd& fd) {
  // The descriptor is gone whatever close returns; EINTR is no loss.
  return close(fd.Release()) == 0 || errno == EINTR ? 0 : errno;
}

}  // namespace

FileSource::FileSource(UniqueFd fd, Origin origin, const StopRequest& stop)
    : fd_(std::move(fd)), origin_(std::move(origin)), stop_(stop) {
  ZVM_CHECK(origin_.base_offset >= 0 && origin_.size_bytes >= 0);
}

Transfer FileSource::Read(uint8_t* buffer, size_t size_bytes, int64_t position) {
  if (!FitsFile(origin_.base_offset, size_bytes, position)) {
    return {.end = TransferEnd::kError, .size_bytes = 0, .error = EOVERFLOW};
  }
  const int64_t start = origin_.base_offset + position;
  return MoveAll(fd_.get(), POLLIN, size_bytes, stop_, [&](size_t done, size_t part) {
    return pread(fd_.get(), buffer + done, part, start + static_cast<int64_t>(done));
  });
}

Transfer FileSource::Write(const uint8_t* buffer, size_t size_bytes, int64_t position) {
  if (!FitsFile(origin_.base_offset, size_bytes, position)) {
    return {.end = TransferEnd::kError, .size_bytes = 0, .error = EFBIG};
  }
  written_ = true;
  const int64_t start = origin_.base_offset + position;
  return RefuseEnd(
      MoveAll(fd_.get(), POLLOUT, size_bytes, stop_, [&](size_t done, size_t part) {
        return pwrite(fd_.get(), buffer + done, part, start + static_cast<int64_t>(done));
      }));
}

int FileSource::Begin(bool empty, int64_t reserve_bytes) {
  if (!origin_.by_path) {
    return 0;
  }
  if (empty && origin_.size_bytes > 0) {
    if (ftruncate(fd_.get(), 0) != 0) {
      return errno;
    }
    origin_.size_bytes = 0;
  }
  if (reserve_bytes > origin_.size_bytes) {
    if (ftruncate(fd_.get(), reserve_bytes) != 0) {
      return errno;
    }
    reserved_ = true;
  }
  return 0;
}

int FileSource::End(int64_t channel_size_bytes) {
  int error = 0;
  // A file that nobody changed keeps its times. A write that failed half-way left bytes that the
  // channel never had: they go too.
  if (origin_.by_path && (reserved_ || written_) &&
      ftruncate(fd_.get(), channel_size_bytes) != 0) {
    error = errno;
  }
  const int close_error = CloseNow(fd_);
  return error != 0 ? error : close_error;
}

void FileSource::Abandon() {
  if (!origin_.created_path.empty()) {
    RemoveCreated(origin_.created_path, fd_.get());
  } else if (reserved_ && ftruncate(fd_.get(), origin_.size_bytes) != 0) {
    // The session fails already; there is nothing better to do with a file that refuses.
    reserved_ = false;
  }
  fd_.Reset();
}

Transfer StreamSource::Read(uint8_t* buffer, size_t size_bytes, int64_t) {
  return MoveAll(fd_.get(), POLLIN, size_bytes, stop_, [&](size_t done, size_t part) {
    return read(fd_.get(), buffer + done, part);
  });
}

Transfer StreamSource::Write(const uint8_t* buffer, size_t size_bytes, int64_t) {
  return RefuseEnd(
      MoveAll(fd_.get(), POLLOUT, size_bytes, stop_, [&](size_t done, size_t part) {
        return write(fd_.get(), buffer + done, is_pipe_ ? std::min(part, kPipeWriteMax) : part);
      }));
}

int StreamSource::End(int64_t) { return CloseNow(fd_); }

}  // namespace zvm
