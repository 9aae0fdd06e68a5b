/* Content of regular files and pipes; see vfs.h. A file of a mounted image is read in place from
 * its channel and copied into memory by the first write. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vfs.h"

static const int64_t kFileMax = INT64_C(0xF0000000);

void zvm_file_free(struct zvm_node *node) { free(node->u.file.bytes); }

int64_t zvm_file_read(struct zvm_node *node, void *buffer, int64_t size, int64_t offset) {
  struct zvm_file *file = &node->u.file;
  if (offset >= file->size) return 0;
  if (size > file->size - offset) size = file->size - offset;
  if (file->channel >= 0)
    return zvm_channel_pread(file->channel, buffer, size, file->offset + offset);
  memcpy(buffer, file->bytes + offset, (size_t)size);
  return size;
}

/* Room for `size` bytes in memory; the content stays. */
static int Reserve(struct zvm_file *file, int64_t size) {
  if (size > kFileMax) return -EFBIG;
  if (size <= file->capacity) return 0;
  int64_t capacity = file->capacity + file->capacity / 2;
  if (capacity < size) capacity = size;
  if (capacity < 64) capacity = 64;
  unsigned char *bytes = realloc(file->bytes, (size_t)capacity);
  if (bytes == NULL && capacity > size) {
    capacity = size;
    bytes = realloc(file->bytes, (size_t)capacity);
  }
  if (bytes == NULL) return -ENOSPC;
  file->bytes = bytes;
  file->capacity = capacity;
  return 0;
}

/* Brings the first `keep` bytes of a file that still lies in its image into memory. */
static int Load(struct zvm_file *file, int64_t keep) {
  if (file->channel < 0) return 0;
  if (keep > file->size) keep = file->size;
  int error = Reserve(file, keep);
  for (int64_t done = 0; error == 0 && done < keep;) {
    const int64_t got =
        zvm_channel_pread(file->channel, file->bytes + done, keep - done, file->offset + done);
    if (got <= 0) error = got < 0 ? (int)got : -EIO;
    done += got;
  }
  if (error < 0) return error;
  file->channel = -1;
  return 0;
}

int zvm_file_resize(struct zvm_node *node, int64_t size) {
  struct zvm_file *file = &node->u.file;
  if (size < 0) return -EINVAL;
  int error = Load(file, size);
  if (error == 0) error = Reserve(file, size);
  if (error < 0) return error;
  if (size > file->size) memset(file->bytes + file->size, 0, (size_t)(size - file->size));
  file->size = size;
  node->change_ns = node->status_ns = zvm_now_ns();
  return 0;
}

int64_t zvm_file_write(struct zvm_node *node, const void *buffer, int64_t size, int64_t offset) {
  struct zvm_file *file = &node->u.file;
  if (size == 0) return 0;
  if (offset > kFileMax - size) return -EFBIG;
  int error = Load(file, file->size);
  if (error == 0) error = Reserve(file, offset + size);
  if (error < 0) return error;
  if (offset > file->size) memset(file->bytes + file->size, 0, (size_t)(offset - file->size));
  memcpy(file->bytes + offset, buffer, (size_t)size);
  if (offset + size > file->size) file->size = offset + size;
  node->change_ns = node->status_ns = zvm_now_ns();
  return size;
}
