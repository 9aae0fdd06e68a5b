/* Writes a part of the tree as a tar image to a channel when the program ends: the inverse of
 * image.c. Names without a leading slash, /dev left out, links kept, pax headers only where ustar
 * is too small. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <zvm.h>

#include "tar.h"
#include "vfs.h"

enum { BUFFER = 65536, USTAR_SIZE_MAX_BITS = 33 };

struct sink {
  int32_t channel;
  int64_t position;
  size_t used;
  unsigned char *buffer;
  /* Files with several names, by the name under which they were written. */
  struct written {
    const struct zvm_node *node;
    char *path;
  } *written;
  size_t written_count;
};

static int Flush(struct sink *sink) {
  size_t done = 0;
  while (done < sink->used) {
    const int32_t put =
        zvm_write(sink->channel, sink->buffer + done, sink->used - done, sink->position);
    if (put <= 0) return put < 0 ? put : -EIO;
    done += (size_t)put;
    sink->position += put;
  }
  sink->used = 0;
  return 0;
}

static int Put(struct sink *sink, const void *bytes, size_t size) {
  const unsigned char *from = bytes;
  while (size > 0) {
    if (sink->used == BUFFER) {
      const int error = Flush(sink);
      if (error < 0) return error;
    }
    size_t part = BUFFER - sink->used;
    if (part > size) part = size;
    if (from != NULL) {
      memcpy(sink->buffer + sink->used, from, part);
      from += part;
    } else {
      memset(sink->buffer + sink->used, 0, part);
    }
    sink->used += part;
    size -= part;
  }
  return 0;
}

static int Pad(struct sink *sink, int64_t size) {
  return Put(sink, NULL, (size_t)(-size & (TAR_BLOCK - 1)));
}

static void Octal(char *field, size_t size, uint64_t value) {
  for (size_t i = size - 1; i-- > 0; value >>= 3) field[i] = (char)('0' + (value & 7));
  field[size - 1] = 0;
}

static int PutHeader(struct sink *sink, const char *name, char type, int64_t size,
                     const struct zvm_node *node, const char *link) {
  struct tar_header header;
  memset(&header, 0, sizeof header);
  memcpy(header.name, name, strnlen(name, sizeof header.name));
  if (link != NULL) memcpy(header.link, link, strnlen(link, sizeof header.link));
  Octal(header.mode, sizeof header.mode, node->permissions);
  Octal(header.uid, sizeof header.uid, node->uid & 07777777);
  Octal(header.gid, sizeof header.gid, node->gid & 07777777);
  Octal(header.size, sizeof header.size,
        (uint64_t)size >> USTAR_SIZE_MAX_BITS != 0 ? 0 : (uint64_t)size);
  const int64_t seconds = node->change_ns / 1000000000;
  Octal(header.mtime, sizeof header.mtime, seconds < 0 ? 0 : (uint64_t)seconds);
  header.type = type;
  memcpy(header.magic, "ustar", 6);
  memcpy(header.version, "00", 2);
  memset(header.checksum, ' ', sizeof header.checksum);
  unsigned sum = 0;
  for (size_t i = 0; i < sizeof header; ++i) sum += ((const unsigned char *)&header)[i];
  Octal(header.checksum, sizeof header.checksum - 1, sum);
  return Put(sink, &header, sizeof header);
}

/* Writes `value` in decimal with at least `digits` digits, 0-terminated. No printf: a program that
 * does not print numbers should not carry it. */
static void Decimal(char *text, uint64_t value, int digits) {
  char reversed[24];
  int count = 0;
  while (value != 0 || count < digits) {
    reversed[count++] = (char)('0' + value % 10);
    value /= 10;
  }
  for (int i = 0; i < count; ++i) text[i] = reversed[count - 1 - i];
  text[count] = 0;
}

/* Appends "LENGTH key=value\n"; LENGTH counts itself. */
static void AppendPax(char *text, const char *key, const char *value) {
  const size_t length = strlen(key) + strlen(value) + 3;
  size_t digits = 1;
  for (size_t bound = 10; length + digits >= bound; bound *= 10) ++digits;
  Decimal(text + strlen(text), length + digits, 1);
  strcat(strcat(strcat(strcat(strcat(text, " "), key), "="), value), "\n");
}

static int PutExtension(struct sink *sink, const struct zvm_node *node, const char *name,
                        const char *link, int64_t size) {
  const bool long_name = strlen(name) > sizeof((struct tar_header *)0)->name;
  const bool long_link = link != NULL && strlen(link) > sizeof((struct tar_header *)0)->link;
  const bool large = size >> USTAR_SIZE_MAX_BITS != 0;
  const bool fraction = node->change_ns > 0 && node->change_ns % 1000000000 != 0;
  if (!long_name && !long_link && !large && !fraction) return 0;
  char *text = malloc(strlen(name) + (link != NULL ? strlen(link) : 0) + 256);
  if (text == NULL) return -ENOMEM;
  char number[48];
  text[0] = 0;
  if (long_name) AppendPax(text, "path", name);
  if (long_link) AppendPax(text, "linkpath", link);
  if (large) {
    Decimal(number, (uint64_t)size, 1);
    AppendPax(text, "size", number);
  }
  if (fraction) {
    Decimal(number, (uint64_t)(node->change_ns / 1000000000), 1);
    strcat(number, ".");
    Decimal(number + strlen(number), (uint64_t)(node->change_ns % 1000000000), 9);
    AppendPax(text, "mtime", number);
  }
  const int64_t length = (int64_t)strlen(text);
  int error = PutHeader(sink, "././@PaxHeader", 'x', length, node, NULL);
  if (error == 0) error = Put(sink, text, (size_t)length);
  if (error == 0) error = Pad(sink, length);
  free(text);
  return error;
}

static int PutContent(struct sink *sink, struct zvm_node *node) {
  unsigned char block[4096];
  int64_t done = 0;
  while (done < node->u.file.size) {
    const int64_t got = zvm_file_read(node, block, sizeof block, done);
    if (got <= 0) return got < 0 ? (int)got : -EIO;
    const int error = Put(sink, block, (size_t)got);
    if (error < 0) return error;
    done += got;
  }
  return Pad(sink, done);
}

/* The name under which a file with several names was already written; notes this one when it was
 * not. */
static const char *EarlierName(struct sink *sink, const struct zvm_node *node, const char *path) {
  if (node->link_count < 2) return NULL;
  for (size_t i = 0; i < sink->written_count; ++i) {
    if (sink->written[i].node == node) return sink->written[i].path;
  }
  struct written *grown = realloc(sink->written, (sink->written_count + 1) * sizeof *grown);
  if (grown == NULL) return NULL;
  sink->written = grown;
  sink->written[sink->written_count++] = (struct written){node, strdup(path)};
  return NULL;
}

static int PutMember(struct sink *sink, struct zvm_node *node, const char *path) {
  const char *earlier = node->kind == ZVM_FILE ? EarlierName(sink, node, path) : NULL;
  char type = node->kind == ZVM_DIRECTORY ? '5' : node->kind == ZVM_LINK ? '2' : '0';
  const char *link = node->kind == ZVM_LINK ? node->u.target : NULL;
  if (earlier != NULL) {
    type = '1';
    link = earlier;
  }
  const int64_t size = type == '0' ? node->u.file.size : 0;
  int error = PutExtension(sink, node, path, link, size);
  if (error == 0) error = PutHeader(sink, path, type, size, node, link);
  if (error == 0 && type == '0') error = PutContent(sink, node);
  return error;
}

/* Every entry of `directory`, depth first; `path` is the member name of the directory with '/'. */
static int PutTree(struct sink *sink, struct zvm_node *directory, char *path, size_t length) {
  const struct zvm_directory *dir = &directory->u.directory;
  for (uint32_t i = 0; i < dir->used; ++i) {
    const struct zvm_entry *entry = &dir->entries[i];
    if (entry->name == NULL) continue;
    struct zvm_node *node = entry->node;
    if (node->kind == ZVM_CHANNEL || node->kind == ZVM_DEVICE) continue;
    if (node->kind == ZVM_DIRECTORY && node->u.directory.fixed) continue; /* /dev */
    const size_t name = strlen(entry->name);
    if (length + name + 2 > ZVM_PATH_MAX) return -ENAMETOOLONG;
    memcpy(path + length, entry->name, name);
    size_t end = length + name;
    if (node->kind == ZVM_DIRECTORY) path[end++] = '/';
    path[end] = 0;
    int error = PutMember(sink, node, path);
    if (error == 0 && node->kind == ZVM_DIRECTORY) error = PutTree(sink, node, path, end);
    if (error < 0) return error;
  }
  return 0;
}

int zvm_export_image(int32_t channel, const char *mountpoint) {
  struct zvm_node *node;
  int error = zvm_walk_node(AT_FDCWD, mountpoint, ZVM_FOLLOW, &node);
  if (error < 0) return error;
  if (node->kind != ZVM_DIRECTORY) return -ENOTDIR;
  char path[ZVM_PATH_MAX];
  while (*mountpoint == '/') ++mountpoint;
  const size_t given = strlen(mountpoint);
  if (given + 2 > sizeof path) return -ENAMETOOLONG;
  memcpy(path, mountpoint, given + 1);
  size_t length = given;
  while (length > 0 && path[length - 1] == '/') --length;
  if (length > 0) path[length++] = '/';
  path[length] = 0;
  struct sink sink = {.channel = channel, .buffer = malloc(BUFFER)};
  if (sink.buffer == NULL) return -ENOMEM;
  if (length > 0) error = PutMember(&sink, node, path);
  if (error == 0) error = PutTree(&sink, node, path, length);
  if (error == 0) error = Put(&sink, NULL, 2 * TAR_BLOCK);
  if (error == 0) error = Flush(&sink);
  for (size_t i = 0; i < sink.written_count; ++i) free(sink.written[i].path);
  free(sink.written);
  free(sink.buffer);
  return error;
}
