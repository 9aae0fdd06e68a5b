/* The descriptor table: open, close, read, write, seek, dup, pipe. POSIX functions set errno. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "vfs.h"

enum { PIPE_SIZE = 65536 };

static struct zvm_open *table[ZVM_OPEN_MAX];

int64_t zvm_result(int64_t value) {
  if (value >= 0) return value;
  errno = (int)-value;
  return -1;
}

struct zvm_open *zvm_descriptor(int fd) {
  return fd >= 0 && fd < ZVM_OPEN_MAX ? table[fd] : NULL;
}

static int FreeSlot(int lowest) {
  for (int fd = lowest; fd < ZVM_OPEN_MAX; ++fd) {
    if (table[fd] == NULL) return fd;
  }
  return -EMFILE;
}

int zvm_new_descriptor(struct zvm_node *node, int flags, int lowest) {
  const int fd = FreeSlot(lowest);
  if (fd < 0) return fd;
  struct zvm_open *open = calloc(1, sizeof *open);
  if (open == NULL) return -ENOMEM;
  open->node = node;
  open->flags = flags;
  open->references = 1;
  zvm_use(node);
  table[fd] = open;
  return fd;
}

/* Opens a node that exists. */
int zvm_open_node(struct zvm_node *node, int flags, int lowest) {
  const int mode = flags & O_ACCMODE;
  if (mode == O_ACCMODE) return -EINVAL;
  if (node->kind == ZVM_LINK) return -ELOOP;
  if (node->kind == ZVM_DIRECTORY && (mode != O_RDONLY || (flags & O_TRUNC) != 0)) return -EISDIR;
  if ((flags & O_DIRECTORY) != 0 && node->kind != ZVM_DIRECTORY) return -ENOTDIR;
  if (node->kind == ZVM_CHANNEL || node->kind == ZVM_DEVICE) {
    const int error = zvm_channel_check_open(node, flags);
    if (error < 0) return error;
  }
  const int fd = zvm_new_descriptor(node, flags, lowest);
  if (fd < 0) return fd;
  if (node->kind == ZVM_FILE && (flags & O_TRUNC) != 0 && mode != O_RDONLY) {
    zvm_file_resize(node, 0);
  }
  if (node->kind == ZVM_CHANNEL && (flags & O_APPEND) != 0) {
    table[fd]->position = zvm_channel_size(node);
  }
  return fd;
}

/* Open channels go back to their start; everything else stays where it is. */
void zvm_descriptors_restart(void) {
  for (int fd = 0; fd < ZVM_OPEN_MAX; ++fd) {
    struct zvm_open *open = table[fd];
    if (open == NULL || open->node->kind != ZVM_CHANNEL) continue;
    open->position = (open->flags & O_APPEND) != 0 ? zvm_channel_size(open->node) : 0;
  }
}

static int Create(const struct zvm_place *place, int flags, mode_t mode) {
  if (place->must_be_directory) return -EISDIR;
  if (place->directory->u.directory.fixed) return -ENOENT;
  struct zvm_node *node = zvm_new_node(ZVM_FILE, mode & 0777 & ~zvm_umask);
  if (node == NULL) return -ENOSPC;
  const int error = zvm_attach(place->directory, place->name, node);
  if (error < 0) {
    free(node);
    return error;
  }
  return zvm_open_node(node, flags & ~O_TRUNC, 0);
}

static int OpenAt(int directory_fd, const char *path, int flags, mode_t mode) {
  const bool exclusive = (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL);
  const bool follow = !exclusive && (flags & O_NOFOLLOW) == 0;
  struct zvm_place place;
  const int error = zvm_walk(directory_fd, path, follow ? ZVM_FOLLOW : 0, &place);
  if (error < 0) return error;
  if (place.node != NULL) return exclusive ? -EEXIST : zvm_open_node(place.node, flags, 0);
  return (flags & O_CREAT) != 0 ? Create(&place, flags, mode) : -ENOENT;
}

int openat(int directory_fd, const char *path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  return (int)zvm_result(OpenAt(directory_fd, path, flags, mode));
}

int open(const char *path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  return (int)zvm_result(OpenAt(AT_FDCWD, path, flags, mode));
}

int creat(const char *path, mode_t mode) { return open(path, O_WRONLY | O_CREAT | O_TRUNC, mode); }

int close(int fd) {
  struct zvm_open *open = zvm_descriptor(fd);
  if (open == NULL) return (int)zvm_result(-EBADF);
  table[fd] = NULL;
  if (--open->references != 0) return 0;
  if (open->node->kind == ZVM_PIPE) {
    --*((open->flags & O_ACCMODE) == O_RDONLY ? &open->node->u.pipe.readers
                                               : &open->node->u.pipe.writers);
  }
  zvm_unuse(open->node);
  free(open);
  return 0;
}

static int64_t PipeRead(struct zvm_pipe *pipe, unsigned char *buffer, int64_t size) {
  /* One thread: nobody could fill the pipe while we wait, so an empty one never blocks. */
  if (pipe->used == 0) return pipe->writers == 0 ? 0 : -EAGAIN;
  if (size > pipe->used) size = pipe->used;
  for (int64_t i = 0; i < size; ++i)
    buffer[i] = pipe->bytes[(pipe->start + (uint32_t)i) % PIPE_SIZE];
  pipe->start = (pipe->start + (uint32_t)size) % PIPE_SIZE;
  pipe->used -= (uint32_t)size;
  return size;
}

static int64_t PipeWrite(struct zvm_pipe *pipe, const unsigned char *buffer, int64_t size) {
  if (pipe->readers == 0) return -EPIPE;
  const int64_t room = PIPE_SIZE - pipe->used;
  if (room == 0 && size != 0) return -EAGAIN;
  if (size > room) size = room;
  for (int64_t i = 0; i < size; ++i) {
    pipe->bytes[(pipe->start + pipe->used + (uint32_t)i) % PIPE_SIZE] = buffer[i];
  }
  pipe->used += (uint32_t)size;
  return size;
}

/* `positional`: pread; the descriptor's own position neither counts nor moves. */
static int64_t ReadAt(int fd, void *buffer, size_t size, int64_t offset, bool positional) {
  struct zvm_open *open = zvm_descriptor(fd);
  if (open == NULL || (open->flags & O_ACCMODE) == O_WRONLY) return -EBADF;
  if (positional && offset < 0) return -EINVAL;
  if (size > INT_MAX) size = INT_MAX;
  if (!positional) offset = open->position;
  struct zvm_node *node = open->node;
  int64_t got = -EINVAL;
  switch (node->kind) {
    case ZVM_FILE: got = zvm_file_read(node, buffer, (int64_t)size, offset); break;
    case ZVM_DIRECTORY: return -EISDIR;
    case ZVM_CHANNEL: got = zvm_channel_read(open, buffer, (int64_t)size, offset); break;
    case ZVM_DEVICE: got = zvm_device_read(node, buffer, (int64_t)size); break;
    case ZVM_PIPE:
      got = positional ? -ESPIPE : PipeRead(&node->u.pipe, buffer, (int64_t)size);
      break;
    case ZVM_LINK: break;
  }
  if (got > 0 && !positional) open->position += got;
  return got;
}

static int64_t WriteAt(int fd, const void *buffer, size_t size, int64_t offset, bool positional) {
  struct zvm_open *open = zvm_descriptor(fd);
  if (open == NULL || (open->flags & O_ACCMODE) == O_RDONLY) return -EBADF;
  if (positional && offset < 0) return -EINVAL;
  if (size > INT_MAX) size = INT_MAX;
  struct zvm_node *node = open->node;
  if (!positional) {
    const bool append = (open->flags & O_APPEND) != 0 && node->kind == ZVM_FILE;
    if (append) open->position = node->u.file.size;
    offset = open->position;
  }
  int64_t put = -EINVAL;
  switch (node->kind) {
    case ZVM_FILE: put = zvm_file_write(node, buffer, (int64_t)size, offset); break;
    case ZVM_CHANNEL: put = zvm_channel_write(open, buffer, (int64_t)size, offset); break;
    case ZVM_DEVICE: put = zvm_device_write(node, (int64_t)size); break;
    case ZVM_PIPE:
      put = positional ? -ESPIPE : PipeWrite(&node->u.pipe, buffer, (int64_t)size);
      break;
    case ZVM_DIRECTORY:
    case ZVM_LINK: break;
  }
  if (put > 0 && !positional) open->position += put;
  return put;
}

ssize_t read(int fd, void *buffer, size_t size) {
  return (ssize_t)zvm_result(ReadAt(fd, buffer, size, 0, false));
}
ssize_t write(int fd, const void *buffer, size_t size) {
  return (ssize_t)zvm_result(WriteAt(fd, buffer, size, 0, false));
}
ssize_t pread(int fd, void *buffer, size_t size, off_t offset) {
  return (ssize_t)zvm_result(ReadAt(fd, buffer, size, offset, true));
}
ssize_t pwrite(int fd, const void *buffer, size_t size, off_t offset) {
  return (ssize_t)zvm_result(WriteAt(fd, buffer, size, offset, true));
}

ssize_t readv(int fd, const struct iovec *parts, int count) {
  ssize_t sum = 0;
  if (count <= 0 || count > IOV_MAX) return (ssize_t)zvm_result(-EINVAL);
  for (int i = 0; i < count; ++i) {
    const ssize_t got = read(fd, parts[i].iov_base, parts[i].iov_len);
    if (got < 0) return sum != 0 ? sum : -1;
    sum += got;
    if ((size_t)got < parts[i].iov_len) break;
  }
  return sum;
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  ssize_t sum = 0;
  if (count <= 0 || count > IOV_MAX) return (ssize_t)zvm_result(-EINVAL);
  for (int i = 0; i < count; ++i) {
    const ssize_t put = write(fd, parts[i].iov_base, parts[i].iov_len);
    if (put < 0) return sum != 0 ? sum : -1;
    sum += put;
    if ((size_t)put < parts[i].iov_len) break;
  }
  return sum;
}

static int64_t Seek(int fd, int64_t offset, int whence) {
  struct zvm_open *open = zvm_descriptor(fd);
  if (open == NULL) return -EBADF;
  if (whence != SEEK_SET && whence != SEEK_CUR && whence != SEEK_END) return -EINVAL;
  if (open->node->kind == ZVM_PIPE) return -ESPIPE;
  if (open->node->kind == ZVM_CHANNEL) return zvm_channel_seek(open, offset, whence);
  int64_t base = 0;
  if (whence == SEEK_CUR) base = open->position;
  if (whence == SEEK_END && open->node->kind == ZVM_FILE) base = open->node->u.file.size;
  if (offset > 0 && base > INT64_MAX - offset) return -EOVERFLOW;
  if (base + offset < 0) return -EINVAL;
  open->position = base + offset;
  return open->position;
}

off_t lseek(int fd, off_t offset, int whence) { return zvm_result(Seek(fd, offset, whence)); }

int dup2(int fd, int to) {
  struct zvm_open *open = zvm_descriptor(fd);
  if (open == NULL || to < 0 || to >= ZVM_OPEN_MAX) return (int)zvm_result(-EBADF);
  if (fd == to) return to;
  if (table[to] != NULL) close(to);
  ++open->references;
  table[to] = open;
  return to;
}

static int DupFrom(int fd, int lowest) {
  if (zvm_descriptor(fd) == NULL) return -EBADF;
  if (lowest < 0 || lowest >= ZVM_OPEN_MAX) return -EINVAL;
  const int to = FreeSlot(lowest);
  return to < 0 ? to : dup2(fd, to);
}

int dup(int fd) { return (int)zvm_result(DupFrom(fd, 0)); }

int fcntl(int fd, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  struct zvm_open *open = zvm_descriptor(fd);
  int64_t result = open == NULL ? -EBADF : 0;
  if (open != NULL) {
    switch (command) {
      case F_DUPFD:
      case F_DUPFD_CLOEXEC: result = DupFrom(fd, va_arg(arguments, int)); break;
      case F_GETFD: break; /* nothing survives an exec: there is none */
      case F_SETFD: break;
      case F_GETFL: result = open->flags & ~(O_CREAT | O_EXCL | O_TRUNC | O_NOCTTY); break;
      case F_SETFL:
        open->flags = (open->flags & ~(O_APPEND | O_NONBLOCK)) |
                      (va_arg(arguments, int) & (O_APPEND | O_NONBLOCK));
        break;
      case F_SETLK:
      case F_SETLKW: /* one process: every lock is free */
        result = va_arg(arguments, struct flock *) == NULL ? -EINVAL : 0;
        break;
      case F_GETLK: {
        struct flock *lock = va_arg(arguments, struct flock *);
        if (lock == NULL) {
          result = -EINVAL;
        } else {
          lock->l_type = F_UNLCK;
        }
        break;
      }
      default: result = -EINVAL;
    }
  }
  va_end(arguments);
  return (int)zvm_result(result);
}

int flock(int fd, int operation) {
  if (zvm_descriptor(fd) == NULL) return (int)zvm_result(-EBADF);
  const int kind = operation & ~LOCK_NB;
  return (int)zvm_result(kind == LOCK_SH || kind == LOCK_EX || kind == LOCK_UN ? 0 : -EINVAL);
}

int pipe(int fds[2]) {
  struct zvm_node *node = zvm_new_node(ZVM_PIPE, 0600);
  if (node == NULL) return (int)zvm_result(-ENFILE);
  node->u.pipe.bytes = malloc(PIPE_SIZE);
  zvm_use(node); /* keeps it alive while the ends are made */
  fds[0] = node->u.pipe.bytes == NULL ? -ENFILE : zvm_new_descriptor(node, O_RDONLY, 0);
  fds[1] = fds[0] < 0 ? fds[0] : zvm_new_descriptor(node, O_WRONLY, 0);
  node->u.pipe.readers = node->u.pipe.writers = 1;
  const int error = fds[1] < 0 ? fds[1] : 0;
  if (error < 0 && fds[0] >= 0) close(fds[0]);
  zvm_unuse(node);
  return (int)zvm_result(error);
}

int isatty(int fd) {
  errno = zvm_descriptor(fd) == NULL ? EBADF : ENOTTY;
  return 0;
}
