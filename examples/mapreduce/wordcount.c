/* Counts words (letters and dashes) with 20 map and 5 reduce nodes. A reduce node writes one line
 * a key, ascending: FNV-1a of the word in hexadecimal, the word, its count. Words that share a key
 * are counted together, under the smaller word. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "mapreduce.h"

static int IsWord(char c) { return isalpha((unsigned char)c) || c == '-'; }

static size_t Map(const char *data, size_t size, bool is_last, mr_items *out) {
  size_t used = 0;
  for (size_t at = 0; at < size;) {
    size_t end = at;
    uint32_t hash = 2166136261u;
    for (; end < size && IsWord(data[end]); ++end)
      hash = (hash ^ (unsigned char)data[end]) * 16777619u;
    if (end == size && !is_last) break; /* the word may go on in the next piece */
    if (end > at) {
      const unsigned char key[4] = {hash >> 24, hash >> 16 & 255, hash >> 8 & 255, hash & 255};
      char value[8 + 256];
      const uint64_t one = 1;
      const size_t length = end - at < 256 ? end - at : 256;
      memcpy(value, &one, 8);
      memcpy(value + 8, data + at, length);
      mr_emit(out, key, sizeof key, value, 8 + length);
    }
    used = at = end < size ? end + 1 : end;
  }
  return used;
}

static void Combine(const mr_item *items, size_t count, mr_items *out) {
  uint64_t sum = 0;
  const mr_item *label = &items[0];
  for (size_t i = 0; i < count; ++i) {
    uint64_t part;
    memcpy(&part, items[i].value, 8);
    sum += part;
    const uint32_t a = items[i].value_size - 8, b = label->value_size - 8;
    const int order = memcmp((const char *)items[i].value + 8, (const char *)label->value + 8,
                             a < b ? a : b);
    if (order < 0 || (order == 0 && a < b)) label = &items[i];
  }
  char value[8 + 256];
  memcpy(value, &sum, 8);
  memcpy(value + 8, (const char *)label->value + 8, label->value_size - 8);
  mr_emit(out, label->key, label->key_size, value, label->value_size);
}

static void Reduce(const mr_item *items, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const unsigned char *key = items[i].key;
    uint64_t sum;
    memcpy(&sum, items[i].value, 8);
    printf("%02x%02x%02x%02x [%.*s]=%llu\n", key[0], key[1], key[2], key[3],
           (int)items[i].value_size - 8, (const char *)items[i].value + 8,
           (unsigned long long)sum);
  }
}

int main(void) {
  const mr_job job = {.map = Map, .combine = Combine, .reduce = Reduce};
  return mr_main(&job);
}
