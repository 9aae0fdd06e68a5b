/* Channels and emulated devices as files under /dev; see vfs.h and docs/guest.md §3. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zvm.h>

#include "vfs.h"

enum { INODE_FIRST = 11, TRANSFER_MAX = 1 << 30 };

/* Highest end position written in this session, for each channel. */
static int64_t *written_end;

static bool CanRead(const struct zvm_channel_record *record) {
  return record->reads_limit > 0 && record->read_bytes_limit > 0;
}

static bool CanWrite(const struct zvm_channel_record *record) {
  return record->writes_limit > 0 && record->write_bytes_limit > 0;
}

static bool RandomRead(const struct zvm_channel_record *record) { return (record->type & 1) != 0; }
static bool RandomWrite(const struct zvm_channel_record *record) { return (record->type & 2) != 0; }

/* S_IF... as programs see it: block for what can seek or goes both ways, else FIFO. */
static uint32_t ShownType(const struct zvm_channel_record *record) {
  const bool reads = CanRead(record);
  const bool writes = CanWrite(record);
  if (reads && writes) return S_IFBLK;
  if (reads) return RandomRead(record) ? S_IFBLK : S_IFIFO;
  return RandomWrite(record) ? S_IFBLK : S_IFIFO;
}

static int AddDevice(const char *path, enum zvm_device device) {
  struct zvm_node *directory;
  int error = zvm_make_path("/dev", 0555, &directory);
  if (error < 0) return error;
  const char *name = strrchr(path, '/') + 1;
  if (zvm_lookup(directory, name, strlen(name)) != NULL) return 0; /* a real channel wins */
  struct zvm_node *node = zvm_new_node(ZVM_DEVICE, 0666);
  if (node == NULL) return -ENOMEM;
  node->u.device = device;
  node->type = S_IFCHR;
  error = zvm_attach(directory, name, node);
  if (error < 0) free(node);
  return error;
}

static void Fix(struct zvm_node *directory) {
  struct zvm_directory *dir = &directory->u.directory;
  dir->fixed = true;
  for (uint32_t i = 0; i < dir->used; ++i) {
    if (dir->entries[i].node->kind == ZVM_DIRECTORY) Fix(dir->entries[i].node);
  }
}

static int AddChannel(int32_t number) {
  const struct zvm_channel_record *record = zvm_channel(number);
  const char *alias = (const char *)record->name;
  if (strncmp(alias, "/dev/", 5) != 0) return 0; /* unreachable as a file, as documented */
  char path[ZVM_PATH_MAX];
  const size_t length = strlen(alias);
  if (length >= sizeof path) return -ENAMETOOLONG;
  memcpy(path, alias, length + 1);
  char *slash = strrchr(path, '/');
  *slash = 0;
  struct zvm_node *directory;
  int error = zvm_make_path(path, 0555, &directory);
  if (error < 0) return error;
  struct zvm_node *node =
      zvm_new_node(ZVM_CHANNEL, (CanRead(record) ? 0400u : 0u) | (CanWrite(record) ? 0200u : 0u));
  if (node == NULL) return -ENOMEM;
  node->u.channel = number;
  node->type = ShownType(record);
  node->inode = INODE_FIRST + (uint64_t)number;
  error = zvm_attach(directory, slash + 1, node);
  if (error < 0) free(node);
  return error;
}

int zvm_mount_channels(void) {
  const int32_t count = zvm_manifest()->channel_count;
  written_end = calloc((size_t)count + 1, sizeof *written_end);
  if (written_end == NULL) return -ENOMEM;
  for (int32_t i = 0; i < count; ++i) {
    const int error = AddChannel(i);
    if (error < 0) zvm_complain("channel cannot be a file", (const char *)zvm_channel(i)->name);
  }
  AddDevice("/dev/null", ZVM_DEV_NULL);
  AddDevice("/dev/zero", ZVM_DEV_ZERO);
  AddDevice("/dev/full", ZVM_DEV_FULL);
  AddDevice("/dev/random", ZVM_DEV_RANDOM);
  AddDevice("/dev/urandom", ZVM_DEV_RANDOM);
  Fix(zvm_lookup(zvm_root, "dev", 3));
  return 0;
}

/* The channels are another session's, at their start. */
void zvm_channels_restart(void) {
  memset(written_end, 0, (size_t)zvm_manifest()->channel_count * sizeof *written_end);
}

int zvm_channel_check_open(const struct zvm_node *node, int flags) {
  if (node->kind == ZVM_DEVICE) return 0;
  const struct zvm_channel_record *record = zvm_channel(node->u.channel);
  const int mode = flags & O_ACCMODE;
  if (mode != O_WRONLY && !CanRead(record)) return -EACCES;
  if (mode != O_RDONLY && !CanWrite(record)) return -EACCES;
  const bool storage = node->type == S_IFBLK || node->type == S_IFREG;
  if ((flags & O_TRUNC) != 0 && mode != O_RDONLY && storage && zvm_channel_size(node) != 0) {
    return -EPERM;
  }
  if (record->type == ZVM_CHANNEL_APPEND && mode == O_RDWR && storage && !(flags & O_APPEND)) {
    return -EPERM;
  }
  return 0;
}

int64_t zvm_channel_size(const struct zvm_node *node) {
  if (node->kind == ZVM_DEVICE) return 0;
  const int64_t size = zvm_channel(node->u.channel)->size_bytes;
  const int64_t written = written_end[node->u.channel];
  return written > size ? written : size;
}

int64_t zvm_channel_pread(int32_t channel, void *buffer, int64_t size, int64_t offset) {
  if (size > TRANSFER_MAX) size = TRANSFER_MAX;
  return zvm_read(channel, buffer, (size_t)size, offset);
}

int64_t zvm_channel_read(struct zvm_open *open, void *buffer, int64_t size, int64_t offset) {
  return zvm_channel_pread(open->node->u.channel, buffer, size, offset);
}

int64_t zvm_channel_write(struct zvm_open *open, const void *buffer, int64_t size, int64_t offset) {
  const int32_t channel = open->node->u.channel;
  const struct zvm_channel_record *record = zvm_channel(channel);
  if (size > TRANSFER_MAX) size = TRANSFER_MAX;
  const int64_t put = zvm_write(channel, buffer, (size_t)size, offset);
  if (put > 0 && record->type != ZVM_CHANNEL_SEQUENTIAL) {
    const int64_t start = RandomWrite(record) ? offset : zvm_channel_size(open->node);
    if (start + put > written_end[channel]) written_end[channel] = start + put;
  }
  return put;
}

int64_t zvm_channel_seek(struct zvm_open *open, int64_t offset, int whence) {
  const struct zvm_channel_record *record = zvm_channel(open->node->u.channel);
  const int mode = open->flags & O_ACCMODE;
  const bool seekable = (mode != O_WRONLY && RandomRead(record)) ||
                        (mode != O_RDONLY && RandomWrite(record));
  if (!seekable) return -ESPIPE;
  int64_t base = 0;
  if (whence == SEEK_CUR) base = open->position;
  if (whence == SEEK_END) base = zvm_channel_size(open->node);
  if (whence == SEEK_SET && offset < 0) return -EINVAL;
  if (offset > 0 && base > INT64_MAX - offset) return -EOVERFLOW;
  if (base + offset < 0) return -EINVAL;
  open->position = base + offset;
  return open->position;
}

int64_t zvm_device_read(const struct zvm_node *node, void *buffer, int64_t size) {
  switch (node->u.device) {
    case ZVM_DEV_NULL: return 0;
    case ZVM_DEV_RANDOM: zvm_random_bytes(buffer, (size_t)size); return size;
    case ZVM_DEV_ZERO:
    case ZVM_DEV_FULL: memset(buffer, 0, (size_t)size); return size;
  }
  return -EIO;
}

int64_t zvm_device_write(const struct zvm_node *node, int64_t size) {
  return node->u.device == ZVM_DEV_FULL ? -ENOSPC : size;
}
