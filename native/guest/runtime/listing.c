/* Reading directories: opendir and its family. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vfs.h"

DIR *fdopendir(int fd) {
  const struct zvm_open *open = zvm_descriptor(fd);
  const int error = open == NULL ? -EBADF : open->node->kind != ZVM_DIRECTORY ? -ENOTDIR : 0;
  DIR *stream = error < 0 ? NULL : calloc(1, sizeof *stream);
  if (stream == NULL) {
    errno = error < 0 ? -error : ENOMEM;
    return NULL;
  }
  stream->fd = fd;
  return stream;
}

DIR *opendir(const char *path) {
  const int fd = open(path, O_RDONLY | O_DIRECTORY);
  if (fd < 0) return NULL;
  DIR *stream = fdopendir(fd);
  if (stream == NULL) close(fd);
  return stream;
}

int closedir(DIR *stream) {
  const int fd = stream->fd;
  free(stream);
  return close(fd);
}

static unsigned char TypeOf(const struct zvm_node *node) {
  switch (node->kind) {
    case ZVM_FILE: return DT_REG;
    case ZVM_DIRECTORY: return DT_DIR;
    case ZVM_LINK: return DT_LNK;
    case ZVM_PIPE: return DT_FIFO;
    case ZVM_CHANNEL:
    case ZVM_DEVICE: return (unsigned char)(node->type >> 12);
  }
  return DT_UNKNOWN;
}

static struct dirent *Fill(DIR *stream, const char *name, const struct zvm_node *node) {
  struct dirent *entry = &stream->entry;
  entry->d_ino = node->inode;
  entry->d_type = TypeOf(node);
  strcpy(entry->d_name, name);
  return entry;
}

/* Position 0 is ".", 1 is "..", then the entries by number: removals do not shift them. */
struct dirent *readdir(DIR *stream) {
  struct zvm_open *open = zvm_descriptor(stream->fd);
  if (open == NULL || open->node->kind != ZVM_DIRECTORY) {
    errno = EBADF;
    return NULL;
  }
  struct zvm_node *node = open->node;
  const struct zvm_directory *dir = &node->u.directory;
  if (open->position == 0) {
    ++open->position;
    return Fill(stream, ".", node);
  }
  if (open->position == 1) {
    ++open->position;
    return Fill(stream, "..", dir->parent == NULL ? node : dir->parent);
  }
  while (open->position - 2 < dir->used) {
    const struct zvm_entry *entry = &dir->entries[open->position - 2];
    ++open->position;
    if (entry->name != NULL) return Fill(stream, entry->name, entry->node);
  }
  return NULL;
}

int readdir_r(DIR *stream, struct dirent *entry, struct dirent **result) {
  struct dirent *found = readdir(stream);
  if (found != NULL) *entry = *found;
  *result = found == NULL ? NULL : entry;
  return 0;
}

long telldir(DIR *stream) {
  const struct zvm_open *open = zvm_descriptor(stream->fd);
  return open == NULL ? -1 : (long)open->position;
}

void seekdir(DIR *stream, long position) {
  struct zvm_open *open = zvm_descriptor(stream->fd);
  if (open != NULL && position >= 0) open->position = position;
}

void rewinddir(DIR *stream) { seekdir(stream, 0); }
int dirfd(DIR *stream) { return stream->fd; }

int alphasort(const struct dirent **a, const struct dirent **b) {
  return strcmp((*a)->d_name, (*b)->d_name);
}

int scandir(const char *path, struct dirent ***list, int (*filter)(const struct dirent *),
            int (*compare)(const struct dirent **, const struct dirent **)) {
  DIR *stream = opendir(path);
  if (stream == NULL) return -1;
  struct dirent **entries = NULL;
  int count = 0;
  bool failed = false;
  for (struct dirent *entry; !failed && (entry = readdir(stream)) != NULL;) {
    if (filter != NULL && !filter(entry)) continue;
    struct dirent **grown = realloc(entries, (size_t)(count + 1) * sizeof *entries);
    if (grown != NULL) entries = grown;
    struct dirent *copy = grown == NULL ? NULL : malloc(sizeof *copy);
    failed = copy == NULL;
    if (failed) break;
    *copy = *entry;
    entries[count++] = copy;
  }
  closedir(stream);
  if (failed) {
    while (count > 0) free(entries[--count]);
    free(entries);
    errno = ENOMEM;
    return -1;
  }
  if (compare != NULL && count > 1) {
    qsort(entries, (size_t)count, sizeof *entries, (int (*)(const void *, const void *))compare);
  }
  *list = entries;
  return count;
}
