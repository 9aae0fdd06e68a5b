#include "channel/source_open.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>
#include <string>

#include "base/descriptor_status.h"
#include "base/unique_fd.h"
#include "channel/channel_failure.h"
#include "channel/ledger.h"
#include "channel/memory_source.h"
#include "channel/path_file.h"

namespace zvm {
namespace {

constexpr int kFirstOrdinaryDescriptor = 3;

enum class FileKind : uint8_t { kRegular, kCharacterDevice, kFifo, kStreamSocket, kOther };

Failure Refuse(const SourceRequest& request, int status, std::string_view code,
               std::string_view text, int error = 0) {
  return RefuseChannel(request.channel, status, code, text, error);
}

Direction DirectionOf(const SourceRequest& request) {
  return DirectionOf(request.channel.limits);
}

// `fd` may be a pin; only real descriptors can be sockets that work.
FileKind KindOf(const struct stat& status, int fd) {
  switch (status.st_mode & S_IFMT) {
    case S_IFREG:
      return FileKind::kRegular;
    case S_IFCHR:
      return FileKind::kCharacterDevice;
    case S_IFIFO:
      return FileKind::kFifo;
    case S_IFSOCK: {
      int type = 0;
      socklen_t size = sizeof type;
      const bool stream =
          fd >= 0 && getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
      return stream ? FileKind::kStreamSocket : FileKind::kOther;
    }
    default:
      return FileKind::kOther;
  }
}

Failure CheckKind(const SourceRequest& request, FileKind kind) {
  if (kind == FileKind::kOther) {
    return Refuse(request, EPROTONOSUPPORT, "channel-kind-unsupported",
                  "the source is neither a regular file nor a stream");
  }
  if (DirectionOf(request) != Direction::kReadWrite) {
    return {};
  }
  if (kind != FileKind::kRegular) {
    return Refuse(request, EINVAL, "channel-stream-read-write",
                  "a stream is either read or written");
  }
  if (!ReadsAtRandom(request.channel.type)) {
    return Refuse(request, EFAULT, "channel-sequential-read-write",
                  "reading and writing need a type with random reads (1 or 3)");
  }
  return {};
}

// Status when a file cannot be opened for `error`.
Failure RefuseOpen(const SourceRequest& request, int error, int write_status) {
  const int status = DirectionOf(request) == Direction::kRead ? EFAULT : write_status;
  return Refuse(request, status, "channel-open-failed", "the source cannot be opened", error);
}

std::optional<int> DescriptorOf(const ChannelSource& source) {
  return source.kind == SourceKind::kDescriptor ? source.descriptor : DescriptorOfPath(source.path);
}

// Whether a regular file behind a passed descriptor is used at positions. Sequential use shares the
// descriptor's own offset instead.
bool NeedsPositions(const SourceRequest& request) {
  const Direction direction = DirectionOf(request);
  return direction == Direction::kReadWrite ||
         (direction == Direction::kRead ? ReadsAtRandom(request.channel.type)
                                        : WritesAtRandom(request.channel.type));
}

Failure CheckDescriptor(const SourceRequest& request, int fd, FileKind* kind, struct stat* status) {
  const int flags = fd >= 0 ? fcntl(fd, F_GETFL) : -1;
  if (flags < 0 || StatDescriptor(fd, status) != 0) {
    return RefuseOpen(request, EBADF, EBADF);
  }
  *kind = KindOf(*status, fd);
  if (Failure failure = CheckKind(request, *kind); failure.failed()) {
    return failure;
  }
  const int mode = flags & O_ACCMODE;
  const Direction direction = DirectionOf(request);
  const bool reads = direction != Direction::kWrite, writes = direction != Direction::kRead;
  if ((flags & O_PATH) != 0 || (reads && mode == O_WRONLY) || (writes && mode == O_RDONLY)) {
    return RefuseOpen(request, EBADF, EBADF);
  }
  // Linux puts every write to such a descriptor at the end, whatever its position.
  if (*kind == FileKind::kRegular && writes && NeedsPositions(request) && (flags & O_APPEND) != 0) {
    return Refuse(request, EINVAL, "channel-descriptor-appends",
                  "positioned writes need a descriptor without O_APPEND");
  }
  return {};
}

Failure OpenDescriptor(const SourceRequest& request, UniqueFd fd, const StopRequest& stop,
                       std::unique_ptr<Source>* opened) {
  FileKind kind;
  struct stat status;
  if (Failure failure = CheckDescriptor(request, fd.get(), &kind, &status); failure.failed()) {
    return failure;
  }
  if (kind != FileKind::kRegular) {
    *opened = std::make_unique<StreamSource>(std::move(fd), kind == FileKind::kFifo, 0, stop);
    return {};
  }
  FileSource::Origin origin;
  origin.base_offset = lseek(fd.get(), 0, SEEK_CUR);
  if (origin.base_offset < 0) {
    return RefuseOpen(request, errno, errno);
  }
  origin.size_bytes = std::max<int64_t>(status.st_size - origin.base_offset, 0);
  if (NeedsPositions(request)) {
    *opened = std::make_unique<FileSource>(std::move(fd), std::move(origin), stop);
  } else {
    *opened = std::make_unique<StreamSource>(std::move(fd), false, origin.size_bytes, stop);
  }
  return {};
}

int AccessMode(Direction direction) {
  return direction == Direction::kRead    ? O_RDONLY
         : direction == Direction::kWrite ? O_WRONLY
                                          : O_RDWR;
}

Failure OpenPath(const SourceRequest& request, bool will_reserve, const StopRequest& stop,
                 std::unique_ptr<Source>* opened) {
  const Direction direction = DirectionOf(request);
  FoundFile found = FindFile(request.source.path, AccessMode(direction));
  FileKind kind = FileKind::kRegular;
  int64_t size_bytes = 0;
  if (found.pin.valid()) {
    struct stat status;
    if (fstat(found.pin.get(), &status) != 0) {
      return RefuseOpen(request, errno, errno);
    }
    kind = KindOf(status, -1);
    if (Failure failure = CheckKind(request, kind); failure.failed()) {
      return failure;
    }
    size_bytes = kind == FileKind::kRegular ? status.st_size : 0;
    // A FIFO for writing is also opened for reading: that neither blocks nor breaks when its
    // reader goes away.
    const bool write_fifo = kind == FileKind::kFifo && direction == Direction::kWrite;
    found.fd =
        OpenPinned(found.pin, write_fifo ? O_RDWR : AccessMode(direction), stop, &found.error);
  }
  if (!found.fd.valid()) {
    if (found.error == EINTR) {
      return Refuse(request, EINTR, "stopped", "stopped while the source was being opened");
    }
    const bool classic = will_reserve && direction == Direction::kWrite;
    return RefuseOpen(request, found.error,
                      classic && kind == FileKind::kRegular ? EBADF : found.error);
  }
  if (kind != FileKind::kRegular) {
    *opened = std::make_unique<StreamSource>(std::move(found.fd), kind == FileKind::kFifo, 0, stop);
    return {};
  }
  FileSource::Origin origin = {.base_offset = 0,
                               .size_bytes = size_bytes,
                               .by_path = true,
                               .created_path = std::move(found.created_path)};
  *opened = std::make_unique<FileSource>(std::move(found.fd), std::move(origin), stop);
  return {};
}

Failure CheckConnection(const SourceRequest& request) {
  if (DirectionOf(request) == Direction::kReadWrite ||
      request.channel.type != ZVM_CHANNEL_SEQUENTIAL) {
    return Refuse(request, EFAULT, "channel-network-direction",
                  "a connection is sequential and either read or written");
  }
  return {};
}

}  // namespace

std::optional<int> DescriptorOfPath(std::string_view path) {
  constexpr std::string_view kNames[] = {"/dev/stdin", "/dev/stdout", "/dev/stderr"};
  for (int fd = 0; fd < 3; ++fd) {
    if (path == kNames[fd]) {
      return fd;
    }
  }
  for (std::string_view folder : {"/dev/fd/", "/proc/self/fd/"}) {
    if (path.starts_with(folder)) {
      path.remove_prefix(folder.size());
      int fd = -1;
      const auto [end, error] = std::from_chars(path.data(), path.data() + path.size(), fd);
      if (error == std::errc() && end == path.data() + path.size() && fd >= 0) {
        return fd;
      }
    }
  }
  return std::nullopt;
}

Failure CheckSource(const SourceRequest& request) {
  const ChannelSource& source = request.source;
  if (source.kind == SourceKind::kTcp) {
    return CheckConnection(request);
  }
  if (NeedsNoDescriptor(source.kind)) {
    return CheckMemorySource(request.channel, source);
  }
  const bool by_path = source.kind == SourceKind::kPath;
  if (by_path && (source.path.empty() || source.path.front() != '/' ||
                  source.path.find('\0') != std::string::npos)) {
    return Refuse(request, EFAULT, "channel-path-invalid", "the path of a source is absolute");
  }
  FileKind kind;
  struct stat status;
  if (const std::optional<int> fd = DescriptorOf(source)) {
    return CheckDescriptor(request, *fd, &kind, &status);
  }
  if (stat(source.path.c_str(), &status) != 0) {
    // What is to be written may still be made, as a regular file; what is to be read must be there.
    return DirectionOf(request) == Direction::kRead ? RefuseOpen(request, errno, errno)
                                                    : CheckKind(request, FileKind::kRegular);
  }
  return CheckKind(request, KindOf(status, -1));
}

Failure OpenSource(const SourceRequest& request, UniqueFd passed, bool will_reserve,
                   const StopRequest& stop, std::unique_ptr<Source>* opened) {
  if (NeedsNoDescriptor(request.source.kind)) {
    *opened = MakeMemorySource(request.source, stop);
    return {};
  }
  if (request.source.kind == SourceKind::kDescriptor) {
    return OpenDescriptor(request, std::move(passed), stop, opened);
  }
  if (const std::optional<int> fd = DescriptorOfPath(request.source.path)) {
    UniqueFd copy(fcntl(*fd, F_DUPFD_CLOEXEC, kFirstOrdinaryDescriptor));
    if (!copy.valid()) {
      return RefuseOpen(request, errno, errno);
    }
    return OpenDescriptor(request, std::move(copy), stop, opened);
  }
  return OpenPath(request, will_reserve, stop, opened);
}

}  // namespace zvm
