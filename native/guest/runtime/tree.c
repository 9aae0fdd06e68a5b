/* Nodes and directories; see vfs.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vfs.h"

enum { INDEX_FROM = 8, INODE_FIRST = 100000 };

struct zvm_node *zvm_root;
static uint64_t next_inode = INODE_FIRST;

static uint32_t HashOf(const char *name, size_t length) {
  uint32_t hash = 2166136261u;
  for (size_t i = 0; i < length; ++i) hash = (hash ^ (unsigned char)name[i]) * 16777619u;
  return hash;
}

struct zvm_node *zvm_new_node(enum zvm_kind kind, uint32_t permissions) {
  struct zvm_node *node = calloc(1, sizeof *node);
  if (node == NULL) return NULL;
  node->kind = kind;
  node->permissions = permissions & 07777;
  node->inode = next_inode++;
  node->uid = getuid();
  node->gid = getgid();
  node->access_ns = node->change_ns = node->status_ns = zvm_now_ns();
  if (kind == ZVM_DIRECTORY) node->link_count = 1; /* its own "."; the name adds the second */
  if (kind == ZVM_FILE) node->u.file.channel = -1;
  return node;
}

static void FreeNode(struct zvm_node *node) {
  if (node->kind == ZVM_FILE) zvm_file_free(node);
  if (node->kind == ZVM_LINK) free(node->u.target);
  if (node->kind == ZVM_PIPE) free(node->u.pipe.bytes);
  if (node->kind == ZVM_DIRECTORY) {
    for (uint32_t i = 0; i < node->u.directory.used; ++i) free(node->u.directory.entries[i].name);
    free(node->u.directory.entries);
    free(node->u.directory.index);
  }
  free(node);
}

static bool IsGone(const struct zvm_node *node) {
  return node->use_count == 0 && node->link_count <= (node->kind == ZVM_DIRECTORY ? 1u : 0u);
}

void zvm_use(struct zvm_node *node) { ++node->use_count; }

void zvm_unuse(struct zvm_node *node) {
  --node->use_count;
  if (IsGone(node)) FreeNode(node);
}

/* Number of the entry with this name, or -1. */
static int64_t FindEntry(const struct zvm_directory *dir, const char *name, size_t length) {
  const uint32_t hash = HashOf(name, length);
  if (dir->index_size == 0) {
    for (uint32_t i = 0; i < dir->used; ++i) {
      const struct zvm_entry *entry = &dir->entries[i];
      if (entry->name != NULL && entry->hash == hash && strncmp(entry->name, name, length) == 0 &&
          entry->name[length] == 0) {
        return i;
      }
    }
    return -1;
  }
  for (uint32_t at = hash & (dir->index_size - 1); dir->index[at] != 0;
       at = (at + 1) & (dir->index_size - 1)) {
    const struct zvm_entry *entry = &dir->entries[dir->index[at] - 1];
    if (entry->name != NULL && entry->hash == hash && strncmp(entry->name, name, length) == 0 &&
        entry->name[length] == 0) {
      return dir->index[at] - 1;
    }
  }
  return -1;
}

static void AddToIndex(struct zvm_directory *dir, uint32_t number) {
  uint32_t at = dir->entries[number].hash & (dir->index_size - 1);
  while (dir->index[at] != 0) at = (at + 1) & (dir->index_size - 1);
  dir->index[at] = number + 1;
}

/* Makes room for one more entry; drops removed ones when they are the majority and nobody reads. */
static int Grow(struct zvm_node *node) {
  struct zvm_directory *dir = &node->u.directory;
  if (dir->used >= 16 && dir->live < dir->used / 2 && node->use_count == 0) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < dir->used; ++i) {
      if (dir->entries[i].name != NULL) dir->entries[kept++] = dir->entries[i];
    }
    dir->used = kept;
    if (dir->index_size != 0) {
      memset(dir->index, 0, dir->index_size * sizeof *dir->index);
      for (uint32_t i = 0; i < dir->used; ++i) AddToIndex(dir, i);
    }
    return 0;
  }
  if ((dir->used & (dir->used - 1)) == 0 && dir->used != 1) { /* full at 0, 2, 4, 8, ... */
    const uint32_t capacity = dir->used == 0 ? 2 : dir->used * 2;
    struct zvm_entry *entries = realloc(dir->entries, capacity * sizeof *entries);
    if (entries == NULL) return -ENOSPC;
    dir->entries = entries;
  }
  if (dir->used >= INDEX_FROM && dir->used * 2 >= dir->index_size) {
    const uint32_t size = dir->index_size == 0 ? 4 * INDEX_FROM : dir->index_size * 2;
    uint32_t *index = calloc(size, sizeof *index);
    if (index == NULL) return -ENOSPC;
    free(dir->index);
    dir->index = index;
    dir->index_size = size;
    for (uint32_t i = 0; i < dir->used; ++i) AddToIndex(dir, i);
  }
  return 0;
}

struct zvm_node *zvm_lookup(const struct zvm_node *directory, const char *name, size_t length) {
  const int64_t found = FindEntry(&directory->u.directory, name, length);
  return found < 0 ? NULL : directory->u.directory.entries[found].node;
}

int zvm_attach(struct zvm_node *directory, const char *name, struct zvm_node *node) {
  struct zvm_directory *dir = &directory->u.directory;
  const size_t length = strlen(name);
  if (length > ZVM_NAME_MAX) return -ENAMETOOLONG;
  if (FindEntry(dir, name, length) >= 0) return -EEXIST;
  const int error = Grow(directory);
  if (error < 0) return error;
  struct zvm_entry *entry = &dir->entries[dir->used];
  entry->name = malloc(length + 1);
  if (entry->name == NULL) return -ENOSPC;
  memcpy(entry->name, name, length + 1);
  entry->hash = HashOf(name, length);
  entry->node = node;
  if (dir->index_size != 0) AddToIndex(dir, dir->used);
  ++dir->used;
  ++dir->live;
  ++node->link_count;
  if (node->kind == ZVM_DIRECTORY) {
    node->u.directory.parent = directory;
    ++directory->link_count;
  }
  node->status_ns = directory->change_ns = directory->status_ns = zvm_now_ns();
  return 0;
}

void zvm_detach(struct zvm_node *directory, const char *name) {
  struct zvm_directory *dir = &directory->u.directory;
  const int64_t found = FindEntry(dir, name, strlen(name));
  if (found < 0) return;
  struct zvm_entry *entry = &dir->entries[found];
  struct zvm_node *node = entry->node;
  free(entry->name);
  entry->name = NULL; /* stays in the index as a stone to step over */
  --dir->live;
  if (node->kind == ZVM_DIRECTORY) {
    --directory->link_count;
    node->u.directory.parent = NULL;
  }
  --node->link_count;
  node->status_ns = directory->change_ns = directory->status_ns = zvm_now_ns();
  if (IsGone(node)) FreeNode(node);
}

bool zvm_directory_is_empty(const struct zvm_node *directory) {
  return directory->u.directory.live == 0;
}

/* mkdir -p from the root; an existing component that is no directory gives -ENOTDIR. */
int zvm_make_path(const char *path, uint32_t permissions, struct zvm_node **directory) {
  struct zvm_node *at = zvm_root;
  while (*path != 0) {
    while (*path == '/') ++path;
    const size_t length = strcspn(path, "/");
    if (length == 0) break;
    if (length > ZVM_NAME_MAX) return -ENAMETOOLONG;
    if (length == 1 && path[0] == '.') {
      path += length;
      continue;
    }
    if (length == 2 && path[0] == '.' && path[1] == '.') {
      at = at->u.directory.parent;
      path += length;
      continue;
    }
    struct zvm_node *next = zvm_lookup(at, path, length);
    if (next == NULL) {
      char name[ZVM_NAME_MAX + 1];
      memcpy(name, path, length);
      name[length] = 0;
      next = zvm_new_node(ZVM_DIRECTORY, permissions);
      if (next == NULL) return -ENOSPC;
      const int error = zvm_attach(at, name, next);
      if (error < 0) {
        free(next);
        return error;
      }
    }
    if (next->kind != ZVM_DIRECTORY) return -ENOTDIR;
    at = next;
    path += length;
  }
  *directory = at;
  return 0;
}
