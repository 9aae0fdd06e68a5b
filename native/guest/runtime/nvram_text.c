/* The two formats of /dev/nvram; see nvram.h and docs/guest.md §2. */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "nvram.h"
#include "vfs.h"

static char *Trim(char *start, char *end) {
  while (start < end && isspace((unsigned char)*start)) ++start;
  while (end > start && isspace((unsigned char)end[-1])) --end;
  *end = 0;
  return start;
}

static int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/* \xHH to the byte, in place. */
static void Unescape(char *text) {
  char *to = text;
  while (*text != 0) {
    const int high = text[0] == '\\' && text[1] == 'x' ? HexDigit(text[2]) : -1;
    const int low = high < 0 ? -1 : HexDigit(text[3]);
    if (low < 0) {
      *to++ = *text++;
    } else {
      *to++ = (char)(high * 16 + low);
      text += 4;
    }
  }
  *to = 0;
}

/* A command line: blanks separate, a quote at the start of a token groups up to the next one. */
static void AddArguments(char *line) {
  while (*line != 0) {
    while (*line == ' ' || *line == '\t') ++line;
    if (*line == 0) return;
    char *token = line;
    if (*line == '"') {
      token = ++line;
      while (*line != 0 && *line != '"') ++line;
    } else {
      while (*line != 0 && *line != ' ' && *line != '\t') ++line;
    }
    if (*line != 0) *line++ = 0;
    Unescape(token);
    zvm_nvram_set("args", token, NULL, NULL);
  }
}

enum { KEYS_MAX = 5 };

struct section {
  const char *name;
  const char *keys[KEYS_MAX];
  int required; /* the first `required` keys */
};

static const struct section kSections[] = {
    {"precache", {"precache"}, 1},
    {"fstab", {"channel", "mountpoint", "access", "removable", "fsname"}, 3},
    {"time", {"seconds"}, 1},
    {"debug", {"verbosity"}, 1},
    {"mapping", {"channel", "mode"}, 2},
    {"env", {"name", "value"}, 2},
    {"args", {"args"}, 1},
};

/* Splits "key=value, key=value" into values by key; the first of a repeated key counts. */
static void SplitFields(const struct section *section, char *line, char *values[KEYS_MAX]) {
  memset(values, 0, KEYS_MAX * sizeof *values);
  while (line != NULL) {
    char *next = strchr(line, ',');
    if (next != NULL) *next++ = 0;
    char *equals = strchr(line, '=');
    if (equals != NULL) {
      char *value = Trim(equals + 1, equals + 1 + strlen(equals + 1));
      const char *key = Trim(line, equals);
      for (int i = 0; i < KEYS_MAX && section->keys[i] != NULL; ++i) {
        if (strcmp(key, section->keys[i]) == 0 && values[i] == NULL) values[i] = value;
      }
    }
    line = next;
  }
}

static void ParseRecord(const struct section *section, char *line) {
  char *values[KEYS_MAX];
  SplitFields(section, line, values);
  for (int i = 0; i < section->required; ++i) {
    if (values[i] == NULL) return; /* as the original: an incomplete record is none */
  }
  if (strcmp(section->name, "args") == 0) return AddArguments(values[0]);
  if (strcmp(section->name, "precache") == 0 || strcmp(section->name, "debug") == 0) return;
  if (strcmp(section->name, "env") == 0) Unescape(values[1]);
  if (zvm_nvram_set(section->name, values[0], values[1], values[2]) < 0) {
    zvm_complain("nvram: record not understood in section", section->name);
  }
}

void zvm_parse_sections(char *text) {
  const struct section *section = NULL;
  while (text != NULL && *text != 0) {
    char *next = strchr(text, '\n');
    if (next != NULL) *next++ = 0;
    char *close = strchr(text, ']');
    if (text[0] == '[' && close != NULL) {
      const char *name = Trim(text + 1, close);
      section = NULL;
      for (size_t i = 0; i < sizeof kSections / sizeof *kSections; ++i) {
        if (strcmp(name, kSections[i].name) == 0) section = &kSections[i];
      }
      if (section == NULL) zvm_complain("nvram: unknown section", name);
    } else if (section != NULL) {
      char *comment = strchr(text, '#');
      if (comment != NULL) *comment = 0;
      char *line = Trim(text, text + strlen(text));
      if (*line != 0) ParseRecord(section, line);
    }
    text = next;
  }
}

/* One record: "kind LENGTH:" and LENGTH bytes, fields separated by 0 bytes, then a newline. */
static int ParseBinary(char *kind, char *bytes, size_t size) {
  char *fields[3] = {bytes, NULL, NULL};
  int count = 1;
  if (strcmp(kind, "seed") == 0) {
    zvm_random_seed(bytes, size);
    return 0;
  }
  for (size_t i = 0; i < size; ++i) {
    if (bytes[i] == 0) {
      if (count == 3) return -EINVAL;
      fields[count++] = bytes + i + 1;
    }
  }
  if (strcmp(kind, "env") == 0 && (fields[0][0] == 0 || strchr(fields[0], '=') != NULL)) {
    return -EINVAL;
  }
  const int wanted = strcmp(kind, "fstab") == 0 ? 3
                     : strcmp(kind, "env") == 0 || strcmp(kind, "mapping") == 0 ? 2 : 1;
  return count == wanted ? zvm_nvram_set(kind, fields[0], fields[1], fields[2]) : -EINVAL;
}

int zvm_parse_records(char *text, char *end) {
  while (text < end) {
    char *colon = memchr(text, ':', (size_t)(end - text));
    char *blank = colon == NULL ? NULL : memchr(text, ' ', (size_t)(colon - text));
    char *stop = NULL;
    const bool digit = blank != NULL && isdigit((unsigned char)blank[1]);
    errno = 0;
    const unsigned long size = digit ? strtoul(blank + 1, &stop, 10) : 0;
    if (!digit || errno != 0 || stop != colon || size >= (size_t)(end - colon - 1) ||
        colon[1 + size] != '\n') {
      return -EINVAL;
    }
    *blank = 0;
    colon[1 + size] = 0;
    if (ParseBinary(text, colon + 1, size) < 0) {
      zvm_complain("nvram: record not understood:", text);
      return -EINVAL;
    }
    text = colon + 2 + size;
  }
  return 0;
}
