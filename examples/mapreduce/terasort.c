/* Sorts records of 100 bytes by their first 10. The pieces of a map are multiples of a record
 * (MAP_CHUNK_SIZE), so that a piece never ends inside of one. */
#include <stdio.h>

#include "mapreduce.h"

enum { RECORD = 100, KEY = 10 };

static size_t Map(const char *data, size_t size, bool is_last, mr_items *out) {
  (void)is_last;
  size_t at = 0;
  for (; at + RECORD <= size; at += RECORD)
    mr_emit(out, data + at, KEY, data + at + KEY, RECORD - KEY);
  return at;
}

static void Reduce(const mr_item *items, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    fwrite(items[i].key, 1, KEY, stdout);
    fwrite(items[i].value, 1, RECORD - KEY, stdout);
  }
}

int main(void) {
  const mr_job job = {.map = Map, .reduce = Reduce};
  return mr_main(&job);
}
