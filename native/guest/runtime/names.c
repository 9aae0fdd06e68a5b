/* Calls that change names: mkdir, unlink, rename, link, symlink, and the working directory. */
#include <errno.h>
#include <fcntl.h>
#include <reent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vfs.h"

static bool IsDots(const char *name) {
  return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Walks to a name that must not exist yet, in a directory that can change. */
static int WalkNew(int directory_fd, const char *path, struct zvm_place *place) {
  const int error = zvm_walk(directory_fd, path, 0, place);
  if (error < 0) return error;
  if (place->node != NULL) return -EEXIST;
  return place->directory->u.directory.fixed ? -EACCES : 0;
}

static int Add(const struct zvm_place *place, struct zvm_node *node) {
  const int error = node == NULL ? -ENOSPC : zvm_attach(place->directory, place->name, node);
  if (error < 0 && node != NULL) {
    if (node->kind == ZVM_LINK) free(node->u.target);
    free(node);
  }
  return error;
}

static int MakeDirectory(int directory_fd, const char *path, mode_t mode) {
  struct zvm_place place;
  const int error = WalkNew(directory_fd, path, &place);
  if (error < 0) return error;
  return Add(&place, zvm_new_node(ZVM_DIRECTORY, mode & 07777 & ~zvm_umask));
}

int mkdirat(int directory_fd, const char *path, mode_t mode) {
  return (int)zvm_result(MakeDirectory(directory_fd, path, mode));
}
int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }

static int Remove(int directory_fd, const char *path, bool directory) {
  struct zvm_place place;
  const int error = zvm_walk(directory_fd, path, 0, &place);
  if (error < 0) return error;
  if (place.node == NULL) return -ENOENT;
  if (place.node == zvm_root) return -EBUSY;
  if (directory) {
    if (strcmp(place.name, ".") == 0) return -EINVAL;
    if (place.node->kind != ZVM_DIRECTORY) return -ENOTDIR;
    if (strcmp(place.name, "..") == 0 || !zvm_directory_is_empty(place.node)) return -ENOTEMPTY;
    if (place.node->u.directory.fixed) return -EBUSY;
  } else {
    if (place.node->kind == ZVM_DIRECTORY) return -EISDIR;
    if (place.must_be_directory) return -ENOTDIR;
  }
  if (place.directory->u.directory.fixed) return -EACCES;
  zvm_detach(place.directory, place.name);
  return 0;
}

int unlink(const char *path) { return (int)zvm_result(Remove(AT_FDCWD, path, false)); }
int rmdir(const char *path) { return (int)zvm_result(Remove(AT_FDCWD, path, true)); }
int unlinkat(int directory_fd, const char *path, int flags) {
  if ((flags & ~AT_REMOVEDIR) != 0) return (int)zvm_result(-EINVAL);
  return (int)zvm_result(Remove(directory_fd, path, (flags & AT_REMOVEDIR) != 0));
}

/* newlib's own would not remove directories; its tmpfile() calls the second form. */
int remove(const char *path) {
  struct zvm_node *node;
  const int error = zvm_walk_node(AT_FDCWD, path, 0, &node);
  if (error < 0) return (int)zvm_result(error);
  return node->kind == ZVM_DIRECTORY ? rmdir(path) : unlink(path);
}
int _remove_r(struct _reent *reent, const char *path) {
  (void)reent;
  return remove(path);
}

static int Link(int from_fd, const char *from, int to_fd, const char *to, bool follow) {
  struct zvm_node *node;
  struct zvm_place place;
  int error = zvm_walk_node(from_fd, from, follow ? ZVM_FOLLOW : 0, &node);
  if (error == 0) error = WalkNew(to_fd, to, &place);
  if (error < 0) return error;
  if (node->kind == ZVM_DIRECTORY) return -EPERM;
  if (node->kind == ZVM_CHANNEL || node->kind == ZVM_DEVICE) return -EXDEV;
  if (place.must_be_directory) return -ENOENT;
  return zvm_attach(place.directory, place.name, node);
}

int linkat(int from_fd, const char *from, int to_fd, const char *to, int flags) {
  return (int)zvm_result(Link(from_fd, from, to_fd, to, (flags & AT_SYMLINK_FOLLOW) != 0));
}
int link(const char *from, const char *to) { return linkat(AT_FDCWD, from, AT_FDCWD, to, 0); }

static int Symlink(const char *target, int directory_fd, const char *path) {
  struct zvm_place place;
  if (target == NULL) return -EFAULT;
  if (target[0] == 0) return -ENOENT;
  if (strlen(target) >= ZVM_PATH_MAX) return -ENAMETOOLONG;
  const int error = WalkNew(directory_fd, path, &place);
  if (error < 0) return error;
  struct zvm_node *node = zvm_new_node(ZVM_LINK, 0777);
  if (node == NULL) return -ENOSPC;
  node->u.target = strdup(target);
  if (node->u.target == NULL) {
    free(node);
    return -ENOSPC;
  }
  return Add(&place, node);
}

int symlinkat(const char *target, int directory_fd, const char *path) {
  return (int)zvm_result(Symlink(target, directory_fd, path));
}
int symlink(const char *target, const char *path) { return symlinkat(target, AT_FDCWD, path); }

ssize_t readlinkat(int directory_fd, const char *path, char *buffer, size_t size) {
  struct zvm_node *node;
  const int error = zvm_walk_node(directory_fd, path, 0, &node);
  if (error < 0) return (ssize_t)zvm_result(error);
  if (node->kind != ZVM_LINK || size == 0) return (ssize_t)zvm_result(-EINVAL);
  const size_t length = strlen(node->u.target);
  if (length < size) size = length;
  memcpy(buffer, node->u.target, size);
  return (ssize_t)size;
}
ssize_t readlink(const char *path, char *buffer, size_t size) {
  return readlinkat(AT_FDCWD, path, buffer, size);
}

/* True when `node` is `directory` or lies above it. */
static bool IsAbove(const struct zvm_node *node, const struct zvm_node *directory) {
  while (directory != NULL && directory != zvm_root) {
    if (directory == node) return true;
    directory = directory->u.directory.parent;
  }
  return node == zvm_root;
}

static int CheckReplace(const struct zvm_place *from, const struct zvm_place *to) {
  if (to->node == NULL) {
    return to->must_be_directory && from->node->kind != ZVM_DIRECTORY ? -ENOTDIR : 0;
  }
  if (from->node->kind == ZVM_DIRECTORY) {
    if (to->node->kind != ZVM_DIRECTORY) return -ENOTDIR;
    return zvm_directory_is_empty(to->node) ? 0 : -ENOTEMPTY;
  }
  return to->node->kind == ZVM_DIRECTORY ? -EISDIR : 0;
}

static int Rename(int from_fd, const char *old_path, int to_fd, const char *new_path) {
  struct zvm_place from, to;
  int error = zvm_walk(from_fd, old_path, 0, &from);
  if (error == 0 && from.node == NULL) error = -ENOENT;
  if (error == 0) error = zvm_walk(to_fd, new_path, 0, &to);
  if (error < 0) return error;
  if (from.node == zvm_root || to.node == zvm_root || IsDots(from.name) || IsDots(to.name)) {
    return -EBUSY;
  }
  if (from.node == to.node) return 0;
  if (from.node->kind == ZVM_DIRECTORY && IsAbove(from.node, to.directory)) return -EINVAL;
  error = CheckReplace(&from, &to);
  if (error < 0) return error;
  if (from.directory->u.directory.fixed || to.directory->u.directory.fixed) return -EXDEV;
  struct zvm_node *node = from.node;
  zvm_use(node);
  if (to.node != NULL) zvm_detach(to.directory, to.name);
  zvm_detach(from.directory, from.name);
  error = zvm_attach(to.directory, to.name, node);
  if (error < 0) zvm_attach(from.directory, from.name, node);
  zvm_unuse(node);
  return error;
}

int renameat(int from_fd, const char *from, int to_fd, const char *to) {
  return (int)zvm_result(Rename(from_fd, from, to_fd, to));
}
int rename(const char *from, const char *to) { return renameat(AT_FDCWD, from, AT_FDCWD, to); }
int _rename(const char *from, const char *to) { return rename(from, to); }

static int Enter(struct zvm_node *node) {
  if (node->kind != ZVM_DIRECTORY) return -ENOTDIR;
  zvm_use(node);
  zvm_unuse(zvm_cwd);
  zvm_cwd = node;
  return 0;
}

int chdir(const char *path) {
  struct zvm_node *node;
  const int error = zvm_walk_node(AT_FDCWD, path, ZVM_FOLLOW, &node);
  return (int)zvm_result(error < 0 ? error : Enter(node));
}

int fchdir(int fd) {
  const struct zvm_open *open = zvm_descriptor(fd);
  return (int)zvm_result(open == NULL ? -EBADF : Enter(open->node));
}

char *getcwd(char *buffer, size_t size) {
  char *made = NULL;
  if (buffer == NULL) {
    if (size == 0) size = ZVM_PATH_MAX;
    made = buffer = malloc(size);
    if (buffer == NULL) return NULL;
  }
  const int error = size == 0 ? -EINVAL : zvm_path_of(zvm_cwd, buffer, size);
  if (error == 0) return buffer;
  free(made);
  errno = -error;
  return NULL;
}

char *realpath(const char *path, char *buffer) {
  struct zvm_place place;
  char text[ZVM_PATH_MAX];
  int error = path == NULL ? -EINVAL : zvm_walk(AT_FDCWD, path, ZVM_FOLLOW, &place);
  if (error == 0 && place.node == NULL) error = -ENOENT;
  if (error == 0) {
    const bool directory = place.node->kind == ZVM_DIRECTORY;
    error = zvm_path_of(directory ? place.node : place.directory, text, sizeof text);
    if (error == 0 && !directory) {
      const size_t length = strlen(text);
      const size_t name = strlen(place.name);
      if (length + name + 2 > sizeof text) {
        error = -ENAMETOOLONG;
      } else {
        if (text[length - 1] != '/') strcpy(text + length, "/");
        strcat(text, place.name);
      }
    }
  }
  if (error < 0) {
    errno = -error;
    return NULL;
  }
  return buffer == NULL ? strdup(text) : strcpy(buffer, text);
}

char *canonicalize_file_name(const char *path) { return realpath(path, NULL); }
