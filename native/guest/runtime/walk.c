/* Paths to nodes and back; see vfs.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vfs.h"

struct zvm_node *zvm_cwd;

static int StartOf(int directory_fd, const char *path, struct zvm_node **start) {
  if (path[0] == '/') {
    *start = zvm_root;
  } else if (directory_fd == AT_FDCWD) {
    *start = zvm_cwd;
  } else {
    const struct zvm_open *open = zvm_descriptor(directory_fd);
    if (open == NULL) return -EBADF;
    *start = open->node;
  }
  return (*start)->kind == ZVM_DIRECTORY ? 0 : -ENOTDIR;
}

/* Replaces the path by link target + rest, which is empty or starts with the slash behind the link:
 * a slash at the end asks for a folder, whatever the link leads to. */
static int Splice(const struct zvm_node *link, const char *rest, char *work) {
  const size_t target = strlen(link->u.target);
  const size_t tail = strlen(rest);
  if (target + tail >= ZVM_PATH_MAX) return -ENAMETOOLONG;
  memmove(work + target, rest, tail + 1);
  memcpy(work, link->u.target, target);
  return 0;
}

static bool IsParent(const char *name, size_t length) {
  return length == 2 && name[0] == '.' && name[1] == '.';
}

static int WalkWork(struct zvm_node *at, char *work, unsigned flags, struct zvm_place *place) {
  int links = 0;
  char *path = work;
  place->directory = at;
  place->node = at;
  place->name[0] = 0;
  for (;;) {
    while (*path == '/') ++path;
    if (*path == 0) return 0;
    if (at->kind != ZVM_DIRECTORY) return -ENOTDIR;
    const size_t length = strcspn(path, "/");
    if (length > ZVM_NAME_MAX) return -ENAMETOOLONG;
    char *rest = path + length;
    const bool slash = *rest == '/';
    while (*rest == '/') ++rest;
    const bool last = *rest == 0;
    place->must_be_directory = last && slash;
    place->directory = at;
    memcpy(place->name, path, length);
    place->name[length] = 0;
    struct zvm_node *next;
    if (length == 1 && path[0] == '.') {
      next = at;
    } else if (IsParent(path, length)) {
      next = at->u.directory.parent;
      if (next == NULL) return -ENOENT; /* the working directory was removed */
    } else {
      next = zvm_lookup(at, path, length);
    }
    place->node = next;
    if (next == NULL) return last ? 0 : -ENOENT;
    if (next->kind == ZVM_LINK && (!last || slash || (flags & ZVM_FOLLOW) != 0)) {
      if (++links > ZVM_LINKS_MAX) return -ELOOP;
      const int error = Splice(next, path + length, work);
      if (error < 0) return error;
      path = work;
      if (*path == '/') at = zvm_root;
      if (*path == 0) return -ENOENT;
      place->node = at;
      continue;
    }
    if (last) return slash && next->kind != ZVM_DIRECTORY ? -ENOTDIR : 0;
    at = next;
    path = rest;
  }
}

int zvm_walk(int directory_fd, const char *path, unsigned flags, struct zvm_place *place) {
  if (path == NULL) return -EFAULT;
  const size_t length = strnlen(path, ZVM_PATH_MAX);
  if (length == 0) return -ENOENT;
  if (length >= ZVM_PATH_MAX) return -ENAMETOOLONG;
  struct zvm_node *start;
  const int error = StartOf(directory_fd, path, &start);
  if (error < 0) return error;
  char work[ZVM_PATH_MAX];
  memcpy(work, path, length + 1);
  place->must_be_directory = false;
  return WalkWork(start, work, flags, place);
}

int zvm_walk_node(int directory_fd, const char *path, unsigned flags, struct zvm_node **node) {
  struct zvm_place place;
  const int error = zvm_walk(directory_fd, path, flags, &place);
  if (error < 0) return error;
  if (place.node == NULL) return -ENOENT;
  *node = place.node;
  return 0;
}

/* Writes the absolute path of a directory, 0-terminated. */
int zvm_path_of(const struct zvm_node *directory, char *buffer, size_t size) {
  char text[ZVM_PATH_MAX];
  size_t at = sizeof text - 1;
  text[at] = 0;
  while (directory != zvm_root) {
    const struct zvm_node *parent = directory->u.directory.parent;
    if (parent == NULL) return -ENOENT;
    const struct zvm_directory *dir = &parent->u.directory;
    const char *name = NULL;
    for (uint32_t i = 0; i < dir->used && name == NULL; ++i) {
      if (dir->entries[i].name != NULL && dir->entries[i].node == directory)
        name = dir->entries[i].name;
    }
    if (name == NULL) return -ENOENT;
    const size_t length = strlen(name);
    if (length + 1 > at) return -ENAMETOOLONG;
    at -= length;
    memcpy(text + at, name, length);
    text[--at] = '/';
    directory = parent;
  }
  if (text[at] == 0) text[--at] = '/';
  if (sizeof text - at > size) return -ERANGE;
  memcpy(buffer, text + at, sizeof text - at);
  return 0;
}
