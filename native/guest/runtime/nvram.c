/* /dev/nvram: arguments, environment, mounts, types of channels, clock and seed of the session.
 * Two formats (docs/guest.md §2): the classic text one, read as leniently as the original did, and
 * a binary-safe one whose errors are fatal. Neither has a size limit. */
#include "nvram.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zvm.h>

#include "vfs.h"

enum { READ_FIRST = 16384 };

uint32_t zvm_umask = 022;

static struct zvm_list arguments, environment, mounts, mappings;

int zvm_list_add(struct zvm_list *list, char *a, char *b, char *c) {
  if ((list->count & (list->count - 1)) == 0) { /* full at 0, 1, 2, 4, ... */
    const size_t capacity = list->count == 0 ? 1 : list->count * 2;
    struct zvm_record *records = realloc(list->records, capacity * sizeof *records);
    if (records == NULL) return -ENOMEM;
    list->records = records;
  }
  list->records[list->count++] = (struct zvm_record){{a, b, c}};
  return 0;
}

/* Adds one setting; `kind` is a section name of the classic format or "seed". */
int zvm_nvram_set(const char *kind, char *a, char *b, char *c) {
  if (strcmp(kind, "args") == 0) return zvm_list_add(&arguments, a, NULL, NULL);
  if (strcmp(kind, "env") == 0) {
    char *text = malloc(strlen(a) + strlen(b) + 2);
    if (text == NULL) return -ENOMEM;
    strcat(strcat(strcpy(text, a), "="), b);
    return zvm_list_add(&environment, text, NULL, NULL);
  }
  if (strcmp(kind, "fstab") == 0) {
    if (strcmp(c, "ro") != 0 && strcmp(c, "wo") != 0) return -EINVAL;
    return zvm_list_add(&mounts, a, b, c);
  }
  if (strcmp(kind, "mapping") == 0) {
    if (strcmp(b, "pipe") != 0 && strcmp(b, "char") != 0 && strcmp(b, "file") != 0 &&
        strcmp(b, "block") != 0) {
      return -EINVAL;
    }
    return zvm_list_add(&mappings, a, b, NULL);
  }
  if (strcmp(kind, "time") == 0) {
    char *end;
    errno = 0;
    const long long seconds = strtoll(a, &end, 10);
    if (*a == 0 || *end != 0 || errno != 0) return -EINVAL;
    zvm_clock_start(seconds);
    return 0;
  }
  return -EINVAL;
}

/* The whole channel, 0-terminated. */
static char *ReadAll(int32_t channel, size_t *size) {
  char *text = NULL;
  size_t used = 0, capacity = 0;
  for (;;) {
    if (used == capacity) {
      capacity = capacity == 0 ? READ_FIRST : capacity * 2;
      char *grown = realloc(text, capacity + 1);
      if (grown == NULL) break;
      text = grown;
    }
    const int32_t got = zvm_read(channel, text + used, capacity - used, (int64_t)used);
    if (got <= 0) {
      text[used] = 0;
      *size = used;
      return text;
    }
    used += (size_t)got;
  }
  free(text);
  return NULL;
}

static char *text; /* records point into it */

static int Read(int32_t channel) {
  size_t size = 0;
  text = ReadAll(channel, &size);
  if (text == NULL) return -ENOMEM;
  static const char kMark[] = "zvm-nvram 1\n";
  if (size >= sizeof kMark - 1 && memcmp(text, kMark, sizeof kMark - 1) == 0) {
    return zvm_parse_records(text + sizeof kMark - 1, text + size);
  }
  zvm_parse_sections(text);
  return 0;
}

int zvm_read_nvram(void) {
  const int32_t channel = zvm_find_channel("/dev/nvram");
  return channel < 0 ? 0 : Read(channel);
}

/* Settings, arguments, environment and mounts once more, as at the start of a session: from the
 * channel if it is `fresh` or can be read again, else those that are known. */
int zvm_reread_nvram(bool fresh) {
  zvm_clock_restart();
  zvm_random_restart();
  const int32_t channel = zvm_find_channel("/dev/nvram");
  if (channel < 0 || (!fresh && (zvm_channel(channel)->type & ZVM_CHANNEL_APPEND) == 0)) return 0;
  zvm_clock_start(0);
  zvm_random_seed("", 0);
  arguments.count = environment.count = mounts.count = mappings.count = 0;
  free(text);
  return Read(channel);
}

static char **Vector(const struct zvm_list *list) {
  char **vector = malloc((list->count + 1) * sizeof *vector);
  if (vector == NULL) return NULL;
  for (size_t i = 0; i < list->count; ++i) vector[i] = list->records[i].fields[0];
  vector[list->count] = NULL;
  return vector;
}

char **zvm_arguments(int *count) {
  if (arguments.count == 0) zvm_list_add(&arguments, "stub", NULL, NULL);
  *count = (int)arguments.count;
  return Vector(&arguments);
}

int zvm_apply_environment(void) {
  environ = Vector(&environment);
  if (environ == NULL) return -ENOMEM;
  const char *mask = getenv("UMASK");
  if (mask != NULL) zvm_umask = (uint32_t)strtoll(mask, NULL, 8) & 0777;
  return 0;
}

void zvm_apply_mapping(void) {
  for (size_t i = 0; i < mappings.count; ++i) {
    char *const *fields = mappings.records[i].fields;
    struct zvm_node *node;
    if (zvm_walk_node(AT_FDCWD, fields[0], 0, &node) < 0 ||
        (node->kind != ZVM_CHANNEL && node->kind != ZVM_DEVICE)) {
      zvm_complain("mapping of a channel that is not there", fields[0]);
      continue;
    }
    switch (fields[1][0]) {
      case 'p': node->type = S_IFIFO; break;
      case 'c': node->type = S_IFCHR; break;
      case 'b': node->type = S_IFBLK; break;
      default: node->type = S_IFREG;
    }
  }
}

/* Mounts images in the order of the file. Returns the first error; the others are tried all the
 * same. */
int zvm_apply_mounts(void) {
  int first = 0;
  for (size_t i = 0; i < mounts.count; ++i) {
    char *const *fields = mounts.records[i].fields;
    if (fields[2][0] != 'r') continue;
    const int32_t channel = zvm_find_channel(fields[0]);
    const int error = channel < 0 ? -ENODEV : zvm_mount_image(channel, fields[1]);
    if (error < 0) zvm_complain("cannot mount the image", fields[0]);
    if (error < 0 && first == 0) first = error;
  }
  return first;
}

void zvm_apply_exports(void) {
  for (size_t i = 0; i < mounts.count; ++i) {
    char *const *fields = mounts.records[i].fields;
    if (fields[2][0] != 'w') continue;
    const int32_t channel = zvm_find_channel(fields[0]);
    const int error = channel < 0 ? -ENODEV : zvm_export_image(channel, fields[1]);
    if (error < 0) zvm_complain("cannot export to the channel", fields[0]);
  }
}
