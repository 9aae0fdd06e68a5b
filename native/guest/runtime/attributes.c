/* stat and what changes its fields: modes, owners, times, sizes. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <unistd.h>
#include <utime.h>

#include "vfs.h"

enum { BLOCK_SIZE = 65536, DEVICE_TREE = 1, DEVICE_CHANNELS = 2049 };

static struct timespec TimeOf(int64_t ns) {
  return (struct timespec){.tv_sec = ns / 1000000000, .tv_nsec = (long)(ns % 1000000000)};
}

static uint32_t TypeOf(const struct zvm_node *node) {
  switch (node->kind) {
    case ZVM_FILE: return S_IFREG;
    case ZVM_DIRECTORY: return S_IFDIR;
    case ZVM_LINK: return S_IFLNK;
    case ZVM_PIPE: return S_IFIFO;
    case ZVM_CHANNEL:
    case ZVM_DEVICE: return node->type;
  }
  return 0;
}

static int64_t SizeOf(const struct zvm_node *node) {
  switch (node->kind) {
    case ZVM_FILE: return node->u.file.size;
    case ZVM_LINK: return (int64_t)strlen(node->u.target);
    case ZVM_CHANNEL: return zvm_channel_size(node);
    case ZVM_DIRECTORY:
    case ZVM_PIPE:
    case ZVM_DEVICE: return 0;
  }
  return 0;
}

static int Fill(const struct zvm_node *node, struct stat *out) {
  if (out == NULL) return -EFAULT;
  const bool channel = node->kind == ZVM_CHANNEL || node->kind == ZVM_DEVICE;
  memset(out, 0, sizeof *out);
  out->st_dev = channel ? DEVICE_CHANNELS : DEVICE_TREE;
  out->st_ino = node->inode;
  out->st_mode = TypeOf(node) | node->permissions;
  out->st_nlink = (nlink_t)node->link_count;
  out->st_uid = node->uid;
  out->st_gid = node->gid;
  out->st_size = SizeOf(node);
  out->st_blksize = BLOCK_SIZE;
  out->st_blocks = (out->st_size + 511) / 512;
  out->st_atim = TimeOf(node->access_ns);
  out->st_mtim = TimeOf(node->change_ns);
  out->st_ctim = TimeOf(node->status_ns);
  return 0;
}

int fstatat(int directory_fd, const char *path, struct stat *out, int flags) {
  struct zvm_node *node;
  const unsigned follow = (flags & AT_SYMLINK_NOFOLLOW) != 0 ? 0 : ZVM_FOLLOW;
  const int error = zvm_walk_node(directory_fd, path, follow, &node);
  return (int)zvm_result(error < 0 ? error : Fill(node, out));
}
int stat(const char *path, struct stat *out) { return fstatat(AT_FDCWD, path, out, 0); }
int lstat(const char *path, struct stat *out) {
  return fstatat(AT_FDCWD, path, out, AT_SYMLINK_NOFOLLOW);
}
int fstat(int fd, struct stat *out) {
  const struct zvm_open *open = zvm_descriptor(fd);
  return (int)zvm_result(open == NULL ? -EBADF : Fill(open->node, out));
}

int faccessat(int directory_fd, const char *path, int mode, int flags) {
  struct zvm_node *node;
  const unsigned follow = (flags & AT_SYMLINK_NOFOLLOW) != 0 ? 0 : ZVM_FOLLOW;
  int error = zvm_walk_node(directory_fd, path, follow, &node);
  if (error == 0 && (mode & ~(R_OK | W_OK | X_OK)) != 0) error = -EINVAL;
  /* The program owns everything, like root: only what no one may do is refused. */
  if (error == 0 && (mode & X_OK) != 0 && node->kind != ZVM_DIRECTORY &&
      (node->permissions & 0111) == 0) {
    error = -EACCES;
  }
  if (error == 0 && node->kind == ZVM_CHANNEL) {
    if ((mode & R_OK) != 0 && (node->permissions & 0400) == 0) error = -EACCES;
    if ((mode & W_OK) != 0 && (node->permissions & 0200) == 0) error = -EACCES;
  }
  return (int)zvm_result(error);
}
int access(const char *path, int mode) { return faccessat(AT_FDCWD, path, mode, 0); }
int eaccess(const char *path, int mode) { return access(path, mode); }
int euidaccess(const char *path, int mode) { return access(path, mode); }

/* Channels, devices and their directories belong to the host. */
static int Changeable(const struct zvm_node *node) {
  if (node->kind == ZVM_CHANNEL || node->kind == ZVM_DEVICE) return -EPERM;
  return node->kind == ZVM_DIRECTORY && node->u.directory.fixed ? -EPERM : 0;
}

static int ChangeMode(struct zvm_node *node, mode_t mode) {
  const int error = Changeable(node);
  if (error < 0) return error;
  node->permissions = mode & 07777;
  node->status_ns = zvm_now_ns();
  return 0;
}

int fchmodat(int directory_fd, const char *path, mode_t mode, int flags) {
  struct zvm_node *node;
  const unsigned follow = (flags & AT_SYMLINK_NOFOLLOW) != 0 ? 0 : ZVM_FOLLOW;
  const int error = zvm_walk_node(directory_fd, path, follow, &node);
  return (int)zvm_result(error < 0 ? error : ChangeMode(node, mode));
}
int chmod(const char *path, mode_t mode) { return fchmodat(AT_FDCWD, path, mode, 0); }
int lchmod(const char *path, mode_t mode) {
  return fchmodat(AT_FDCWD, path, mode, AT_SYMLINK_NOFOLLOW);
}
int fchmod(int fd, mode_t mode) {
  const struct zvm_open *open = zvm_descriptor(fd);
  return (int)zvm_result(open == NULL ? -EBADF : ChangeMode(open->node, mode));
}

static int ChangeOwner(struct zvm_node *node, uid_t uid, gid_t gid) {
  const int error = Changeable(node);
  if (error < 0) return error;
  if (uid != (uid_t)-1) node->uid = uid;
  if (gid != (gid_t)-1) node->gid = gid;
  node->status_ns = zvm_now_ns();
  return 0;
}

int fchownat(int directory_fd, const char *path, uid_t uid, gid_t gid, int flags) {
  struct zvm_node *node;
  const unsigned follow = (flags & AT_SYMLINK_NOFOLLOW) != 0 ? 0 : ZVM_FOLLOW;
  const int error = zvm_walk_node(directory_fd, path, follow, &node);
  return (int)zvm_result(error < 0 ? error : ChangeOwner(node, uid, gid));
}
int chown(const char *path, uid_t uid, gid_t gid) {
  return fchownat(AT_FDCWD, path, uid, gid, 0);
}
int lchown(const char *path, uid_t uid, gid_t gid) {
  return fchownat(AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW);
}
int fchown(int fd, uid_t uid, gid_t gid) {
  const struct zvm_open *open = zvm_descriptor(fd);
  return (int)zvm_result(open == NULL ? -EBADF : ChangeOwner(open->node, uid, gid));
}

static int SetTime(const struct timespec *time, int64_t *ns) {
  if (time != NULL && time->tv_nsec == UTIME_OMIT) return 0;
  if (time == NULL || time->tv_nsec == UTIME_NOW) {
    *ns = zvm_now_ns();
    return 0;
  }
  if (time->tv_nsec < 0 || time->tv_nsec > 999999999) return -EINVAL;
  *ns = time->tv_sec * 1000000000 + time->tv_nsec;
  return 0;
}

static int SetTimes(struct zvm_node *node, const struct timespec *times) {
  int error = Changeable(node);
  if (error == 0) error = SetTime(times == NULL ? NULL : &times[0], &node->access_ns);
  if (error == 0) error = SetTime(times == NULL ? NULL : &times[1], &node->change_ns);
  if (error == 0) node->status_ns = zvm_now_ns();
  return error;
}

int utimensat(int directory_fd, const char *path, const struct timespec *times, int flags) {
  struct zvm_node *node;
  const unsigned follow = (flags & AT_SYMLINK_NOFOLLOW) != 0 ? 0 : ZVM_FOLLOW;
  const int error = zvm_walk_node(directory_fd, path, follow, &node);
  return (int)zvm_result(error < 0 ? error : SetTimes(node, times));
}
int futimens(int fd, const struct timespec *times) {
  const struct zvm_open *open = zvm_descriptor(fd);
  return (int)zvm_result(open == NULL ? -EBADF : SetTimes(open->node, times));
}
int utimes(const char *path, const struct timeval *times) {
  if (times == NULL) return utimensat(AT_FDCWD, path, NULL, 0);
  const struct timespec precise[2] = {{times[0].tv_sec, times[0].tv_usec * 1000},
                                      {times[1].tv_sec, times[1].tv_usec * 1000}};
  return utimensat(AT_FDCWD, path, precise, 0);
}
int utime(const char *path, const struct utimbuf *times) {
  if (times == NULL) return utimensat(AT_FDCWD, path, NULL, 0);
  const struct timespec precise[2] = {{times->actime, 0}, {times->modtime, 0}};
  return utimensat(AT_FDCWD, path, precise, 0);
}

int ftruncate(int fd, off_t size) {
  const struct zvm_open *open = zvm_descriptor(fd);
  if (open == NULL) return (int)zvm_result(-EBADF);
  if (open->node->kind != ZVM_FILE || (open->flags & O_ACCMODE) == O_RDONLY) {
    return (int)zvm_result(-EINVAL);
  }
  return (int)zvm_result(zvm_file_resize(open->node, size));
}

int truncate(const char *path, off_t size) {
  struct zvm_node *node;
  const int error = zvm_walk_node(AT_FDCWD, path, ZVM_FOLLOW, &node);
  if (error < 0) return (int)zvm_result(error);
  if (node->kind == ZVM_DIRECTORY) return (int)zvm_result(-EISDIR);
  return (int)zvm_result(node->kind == ZVM_FILE ? zvm_file_resize(node, size) : -EINVAL);
}

int fsync(int fd) { return (int)zvm_result(zvm_descriptor(fd) == NULL ? -EBADF : 0); }
int fdatasync(int fd) { return fsync(fd); }
void sync(void) {}

mode_t umask(mode_t mask) {
  const mode_t old = zvm_umask;
  zvm_umask = mask & 0777;
  return old;
}

/* The tree lives in the heap: what is free there is free here. */
static int FillVolume(struct statvfs *out) {
  if (out == NULL) return -EFAULT;
  const long pages = sysconf(_SC_PHYS_PAGES);
  const long free_pages = sysconf(_SC_AVPHYS_PAGES);
  memset(out, 0, sizeof *out);
  out->f_bsize = out->f_frsize = BLOCK_SIZE;
  out->f_blocks = (fsblkcnt_t)pages;
  out->f_bfree = out->f_bavail = (fsblkcnt_t)free_pages;
  out->f_files = out->f_ffree = out->f_favail = UINT32_MAX;
  out->f_namemax = ZVM_NAME_MAX;
  return 0;
}

int statvfs(const char *path, struct statvfs *out) {
  struct zvm_node *node;
  const int error = zvm_walk_node(AT_FDCWD, path, ZVM_FOLLOW, &node);
  return (int)zvm_result(error < 0 ? error : FillVolume(out));
}
int fstatvfs(int fd, struct statvfs *out) {
  return (int)zvm_result(zvm_descriptor(fd) == NULL ? -EBADF : FillVolume(out));
}
