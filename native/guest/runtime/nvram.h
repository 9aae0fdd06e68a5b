/* Records of /dev/nvram between its two parsers and what applies them. Internal to the runtime. */
#ifndef ZVM_RUNTIME_NVRAM_H
#define ZVM_RUNTIME_NVRAM_H

#include <stddef.h>

struct zvm_record {
  char *fields[3];
};

struct zvm_list {
  struct zvm_record *records;
  size_t count;
};

int zvm_list_add(struct zvm_list *list, char *a, char *b, char *c);

/* Returns -EINVAL for an unknown kind or value. Keeps the strings. */
int zvm_nvram_set(const char *kind, char *a, char *b, char *c);

/* nvram_text.c: both write into the text, which must stay. */
void zvm_parse_sections(char *text);
int zvm_parse_records(char *text, char *end);

#endif
