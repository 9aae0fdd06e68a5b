/* Counts words next to the objects: a `map` node for each object sends "COUNT NAME" to `reduce`,
 * which prints them as `wc -w` would: right-aligned, in the order of the objects, with a total. */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OBJECTS_MAX = 1000, NAME_BYTES_MAX = 1200 };

typedef struct {
  long count;
  char name[NAME_BYTES_MAX];
} line;

static line lines[OBJECTS_MAX + 1];

static int Map(const char *object) {
  FILE *out = fopen("/dev/out/reduce", "w");
  if (out == NULL) return 1;
  long words = 0;
  int inside = 0;
  for (int c; (c = getchar()) != EOF; inside = !isspace(c)) words += !inside && !isspace(c);
  fprintf(out, "%ld %s\n", words, object);
  return fclose(out);
}

static int CompareNames(const void *a, const void *b) {
  return strcmp(((const line *)a)->name, ((const line *)b)->name);
}

static int Reduce(void) {
  int count = 0;
  long total = 0;
  DIR *in = opendir("/dev/in");
  for (struct dirent *entry; in != NULL && (entry = readdir(in)) != NULL;) {
    char path[300];
    if (strncmp(entry->d_name, "map-", 4) != 0) continue;
    snprintf(path, sizeof path, "/dev/in/%s", entry->d_name);
    FILE *from = fopen(path, "r");
    line *next = &lines[count];
    if (from == NULL || count == OBJECTS_MAX) return 1;
    if (fscanf(from, "%ld %1199[^\n]", &next->count, next->name) == 2) {
      total += next->count;
      ++count;
    }
    fclose(from);
  }
  qsort(lines, (size_t)count, sizeof *lines, CompareNames);
  lines[count] = (line){total, "total"};
  const int width = snprintf(NULL, 0, "%ld", total) + 1;
  for (int i = 0; i <= count; ++i) printf("%*ld %s\n", width, lines[i].count, lines[i].name);
  return 0;
}

int main(void) {
  const char *object = getenv("ZVM_OBJECT");
  return object != NULL ? Map(object) : Reduce();
}
