/* Mounts a tar image: its headers become nodes, the content of its files stays in the channel until
 * it is written to. An image on a sequential channel is read once, into memory. Understands ustar,
 * GNU long names and pax; hard and symbolic links, modes and times. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zvm.h>

#include "tar.h"
#include "vfs.h"

enum { WINDOW = 65536, RECORD_MAX = 1 << 20 };

struct source {
  int32_t channel;
  bool random;
  int64_t position;  /* of the next byte to hand out */
  unsigned char *window;
  int64_t window_at; /* channel offset of the window */
  int64_t window_size;
};

/* What a header and the extensions before it say about one member. */
struct member {
  char *path;
  char *link;
  int64_t size;
  int64_t mtime_ns;
  uint32_t mode;
  uid_t uid;
  gid_t gid;
  char type;
};

/* Up to `size` bytes; fewer only at the end of the channel. */
static int64_t Take(struct source *source, void *buffer, int64_t size) {
  unsigned char *out = buffer;
  int64_t done = 0;
  while (done < size) {
    const int64_t inside = source->position - source->window_at;
    if (inside >= 0 && inside < source->window_size) {
      int64_t part = source->window_size - inside;
      if (part > size - done) part = size - done;
      memcpy(out + done, source->window + inside, (size_t)part);
      done += part;
      source->position += part;
      continue;
    }
    const int64_t got =
        zvm_channel_pread(source->channel, source->window, WINDOW, source->position);
    if (got < 0) return got;
    source->window_at = source->position;
    source->window_size = got;
    if (got == 0) break;
  }
  return done;
}

static int TakeAll(struct source *source, void *buffer, int64_t size) {
  const int64_t got = Take(source, buffer, size);
  return got < 0 ? (int)got : got < size ? -EIO : 0;
}

static int Skip(struct source *source, int64_t size) {
  if (source->random) {
    source->position += size;
    return 0;
  }
  unsigned char waste[TAR_BLOCK];
  while (size > 0) {
    const int64_t part = size < TAR_BLOCK ? size : TAR_BLOCK;
    const int error = TakeAll(source, waste, part);
    if (error < 0) return error;
    size -= part;
  }
  return 0;
}

static int64_t Padded(int64_t size) { return (size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK; }

/* Octal text, or GNU's base-256 when the top bit of the first byte is set. -1: not a number. */
static int64_t Number(const char *field, size_t size) {
  uint64_t value = 0;
  if (((unsigned char)field[0] & 0x80) != 0) {
    value = (unsigned char)field[0] & 0x7f;
    for (size_t i = 1; i < size; ++i) {
      if (value >> 55 != 0) return -1;
      value = value << 8 | (unsigned char)field[i];
    }
    return (int64_t)value;
  }
  size_t i = 0;
  while (i < size && field[i] == ' ') ++i;
  for (; i < size && field[i] >= '0' && field[i] <= '7'; ++i)
    value = value << 3 | (uint64_t)(field[i] - '0');
  return i < size && field[i] != 0 && field[i] != ' ' ? -1 : (int64_t)value;
}

static bool ChecksumIsRight(const struct tar_header *header) {
  const unsigned char *bytes = (const unsigned char *)header;
  int64_t sum = 0;
  for (size_t i = 0; i < TAR_BLOCK; ++i) {
    const bool inside = i >= offsetof(struct tar_header, checksum) &&
                        i < offsetof(struct tar_header, checksum) + sizeof header->checksum;
    sum += inside ? ' ' : bytes[i];
  }
  return sum == Number(header->checksum, sizeof header->checksum);
}

static char *Text(const char *field, size_t size) {
  const size_t length = strnlen(field, size);
  char *text = malloc(length + 1);
  if (text == NULL) return NULL;
  memcpy(text, field, length);
  text[length] = 0;
  return text;
}

static void Replace(char **text, char *by) {
  free(*text);
  *text = by;
}

/* Seconds with an optional fraction, as pax writes times. */
static int64_t PaxTime(const char *text) {
  char *end;
  const int64_t seconds = strtoll(text, &end, 10);
  int64_t fraction = 0, unit = 100000000;
  if (*end == '.') {
    for (++end; *end >= '0' && *end <= '9' && unit > 0; ++end, unit /= 10)
      fraction += (*end - '0') * unit;
  }
  return seconds * 1000000000 + fraction;
}

/* "LENGTH key=value\n" records of a pax header. */
static int ParsePax(char *text, int64_t size, struct member *over) {
  int64_t at = 0;
  while (at < size) {
    char *end;
    const long long length = strtoll(text + at, &end, 10);
    if (length <= 0 || length > size - at || *end != ' ' || text[at + length - 1] != '\n')
      return -EINVAL;
    text[at + length - 1] = 0;
    char *key = end + 1;
    char *equals = strchr(key, '=');
    if (equals == NULL) return -EINVAL;
    *equals = 0;
    const char *value = equals + 1;
    if (strcmp(key, "path") == 0) Replace(&over->path, strdup(value));
    if (strcmp(key, "linkpath") == 0) Replace(&over->link, strdup(value));
    if (strcmp(key, "size") == 0) over->size = strtoll(value, NULL, 10);
    if (strcmp(key, "mtime") == 0) over->mtime_ns = PaxTime(value);
    if (strcmp(key, "uid") == 0) over->uid = (uid_t)strtoll(value, NULL, 10);
    if (strcmp(key, "gid") == 0) over->gid = (gid_t)strtoll(value, NULL, 10);
    at += length;
  }
  return 0;
}

/* The body of an extension header, 0-terminated. */
static int TakeRecord(struct source *source, int64_t size, char **text) {
  if (size < 0 || size > RECORD_MAX) return -EINVAL;
  *text = malloc((size_t)size + 1);
  if (*text == NULL) return -ENOMEM;
  int error = TakeAll(source, *text, size);
  if (error == 0) error = Skip(source, Padded(size) - size);
  (*text)[size] = 0;
  return error;
}

static void Forget(struct member *member) {
  free(member->path);
  free(member->link);
  *member = (struct member){.size = -1, .mtime_ns = -1, .uid = (uid_t)-1, .gid = (gid_t)-1};
}

static int FromHeader(const struct tar_header *header, const struct member *over,
                      struct member *out) {
  const bool ustar = memcmp(header->magic, "ustar", 5) == 0;
  out->type = header->type;
  out->mode = (uint32_t)Number(header->mode, sizeof header->mode) & 07777;
  out->size = over->size >= 0 ? over->size : Number(header->size, sizeof header->size);
  out->uid = over->uid != (uid_t)-1 ? over->uid : (uid_t)Number(header->uid, sizeof header->uid);
  out->gid = over->gid != (gid_t)-1 ? over->gid : (gid_t)Number(header->gid, sizeof header->gid);
  out->mtime_ns = over->mtime_ns >= 0
                      ? over->mtime_ns
                      : Number(header->mtime, sizeof header->mtime) * 1000000000;
  if (out->size < 0 || out->size > INT64_MAX - TAR_BLOCK) return -EINVAL;
  out->link = over->link != NULL ? strdup(over->link) : Text(header->link, sizeof header->link);
  if (over->path != NULL) {
    out->path = strdup(over->path);
  } else if (ustar && header->magic[5] == 0 && header->prefix[0] != 0) {
    char name[sizeof header->prefix + sizeof header->name + 2];
    const size_t prefix = strnlen(header->prefix, sizeof header->prefix);
    const size_t length = strnlen(header->name, sizeof header->name);
    memcpy(name, header->prefix, prefix);
    name[prefix] = '/';
    memcpy(name + prefix + 1, header->name, length);
    name[prefix + 1 + length] = 0;
    out->path = strdup(name);
  } else {
    out->path = Text(header->name, sizeof header->name);
  }
  return out->path == NULL || out->link == NULL ? -ENOMEM : 0;
}

static char *Join(const char *directory, const char *name) {
  char *path = malloc(strlen(directory) + strlen(name) + 2);
  if (path != NULL) strcat(strcat(strcpy(path, directory), "/"), name);
  return path;
}

/* The directory of the member's path, made when missing, and its last component. */
static int PlaceFor(const char *mountpoint, char *path, struct zvm_node **directory, char **name) {
  size_t length = strlen(path);
  while (length > 0 && path[length - 1] == '/') path[--length] = 0;
  char *slash = strrchr(path, '/');
  *name = slash == NULL ? path : slash + 1;
  if (**name == 0 || strcmp(*name, ".") == 0 || strcmp(*name, "..") == 0) return 1; /* the root */
  if (slash != NULL) *slash = 0;
  char *parent = Join(mountpoint, slash == NULL ? "" : path);
  if (parent == NULL) return -ENOMEM;
  const int error = zvm_make_path(parent, 0755, directory);
  free(parent);
  return error < 0 ? error : (*directory)->u.directory.fixed ? -EACCES : 0;
}

static int FillFile(struct source *source, struct zvm_node *node, int64_t size) {
  struct zvm_file *file = &node->u.file;
  if (source->random) {
    file->channel = source->channel;
    file->offset = source->position;
    file->size = size;
    return Skip(source, size);
  }
  int error = zvm_file_resize(node, size);
  if (error == 0) error = TakeAll(source, file->bytes, size);
  return error;
}

static struct zvm_node *MakeNode(struct source *source, const char *mountpoint,
                                 const struct member *member, int *error, bool *content_taken) {
  struct zvm_node *node = NULL;
  switch (member->type) {
    case '1': {
      char *target = Join(mountpoint, member->link);
      *error = target == NULL ? -ENOMEM : zvm_walk_node(AT_FDCWD, target, 0, &node);
      free(target);
      if (*error == 0 && node->kind == ZVM_DIRECTORY) *error = -EPERM;
      return *error < 0 ? NULL : node;
    }
    case '2':
      node = zvm_new_node(ZVM_LINK, 0777);
      if (node != NULL) node->u.target = strdup(member->link);
      break;
    case '5': node = zvm_new_node(ZVM_DIRECTORY, member->mode); break;
    case 0:
    case '0':
    case '7':
      node = zvm_new_node(ZVM_FILE, member->mode);
      if (node != NULL) *error = FillFile(source, node, member->size);
      *content_taken = true;
      break;
    default: *error = -ENOTSUP; return NULL; /* devices and FIFOs have no meaning here */
  }
  if (node == NULL && *error == 0) *error = -ENOMEM;
  return node;
}

static int AddMember(struct source *source, const char *mountpoint, struct member *member,
                     bool *content_taken) {
  struct zvm_node *directory;
  char *name;
  int error = PlaceFor(mountpoint, member->path, &directory, &name);
  if (error != 0) return error < 0 ? error : 0;
  struct zvm_node *old = zvm_lookup(directory, name, strlen(name));
  if (old != NULL && old->kind == ZVM_DIRECTORY) {
    if (member->type != '5') return -EISDIR;
    if (!old->u.directory.fixed) old->permissions = member->mode;
    return 0;
  }
  struct zvm_node *node = MakeNode(source, mountpoint, member, &error, content_taken);
  if (node == NULL || node == old) return error;
  zvm_use(node);
  if (error == 0 && old != NULL) zvm_detach(directory, name);
  if (error == 0) error = zvm_attach(directory, name, node);
  if (error == 0 && member->type != '1') {
    node->uid = member->uid;
    node->gid = member->gid;
    node->access_ns = node->change_ns = member->mtime_ns;
  }
  zvm_unuse(node);
  return error;
}

static int ReadMembers(struct source *source, const char *mountpoint) {
  struct member over = {.size = -1, .mtime_ns = -1, .uid = (uid_t)-1, .gid = (gid_t)-1};
  int error = 0;
  while (error == 0) {
    struct tar_header header;
    const int64_t got = Take(source, &header, TAR_BLOCK);
    if (got < 0) error = (int)got;
    if (got < TAR_BLOCK || header.name[0] == 0) break;
    if (!ChecksumIsRight(&header)) {
      error = -EINVAL;
      break;
    }
    char *text = NULL;
    const int64_t size = Number(header.size, sizeof header.size);
    if (header.type == 'L' || header.type == 'K') {
      error = TakeRecord(source, size, &text);
      Replace(header.type == 'L' ? &over.path : &over.link, text);
      continue;
    }
    if (header.type == 'x' || header.type == 'g') {
      error = TakeRecord(source, size, &text);
      if (error == 0 && header.type == 'x') error = ParsePax(text, size, &over);
      free(text);
      continue;
    }
    struct member member = {0};
    bool content_taken = false;
    error = FromHeader(&header, &over, &member);
    if (error == 0) {
      const int failed = AddMember(source, mountpoint, &member, &content_taken);
      if (failed < 0) zvm_complain("image: member left out", member.path);
      if (failed == -ENOMEM || failed == -ENOSPC || failed == -EIO) error = failed;
    }
    if (error == 0) error = Skip(source, Padded(member.size) - (content_taken ? member.size : 0));
    Forget(&member);
    Forget(&over);
  }
  Forget(&over);
  return error;
}

int zvm_mount_image(int32_t channel, const char *mountpoint) {
  struct zvm_node *directory;
  const int error = zvm_make_path(mountpoint, 0755, &directory);
  if (error < 0) return error;
  struct source source = {.channel = channel, .random = (zvm_channel(channel)->type & 1) != 0};
  source.window = malloc(WINDOW);
  if (source.window == NULL) return -ENOMEM;
  const int result = ReadMembers(&source, mountpoint);
  free(source.window);
  return result;
}
