/* Word count: a chained hash table of strings that grows, nodes from malloc. */
#include "kernel.h"

struct node {
  struct node *next;
  uint32_t hash;
  unsigned count;
  char key[];
};

static struct node **table;
static size_t mask, used;

static void Grow(void) {
  const size_t size = table == NULL ? 1024 : (mask + 1) * 2;
  struct node **bigger = calloc(size, sizeof *bigger);
  for (size_t i = 0; table != NULL && i <= mask; ++i) {
    for (struct node *at = table[i], *next; at != NULL; at = next) {
      next = at->next;
      at->next = bigger[at->hash & (size - 1)];
      bigger[at->hash & (size - 1)] = at;
    }
  }
  free(table);
  table = bigger;
  mask = size - 1;
}

static void Count(const char *key, size_t length) {
  uint32_t hash = 2166136261u;
  for (size_t i = 0; i < length; ++i) hash = (hash ^ (unsigned char)key[i]) * 16777619u;
  for (struct node *at = table[hash & mask]; at != NULL; at = at->next) {
    if (at->hash == hash && strncmp(at->key, key, length) == 0 && at->key[length] == 0) {
      ++at->count;
      return;
    }
  }
  struct node *made = malloc(sizeof *made + length + 1);
  memcpy(made->key, key, length);
  made->key[length] = 0;
  made->hash = hash;
  made->count = 1;
  made->next = table[hash & mask];
  table[hash & mask] = made;
  if (++used > mask) Grow();
}

static uint64_t Empty(void) {
  uint64_t sum = used;
  for (size_t i = 0; i <= mask; ++i) {
    for (struct node *at = table[i], *next; at != NULL; at = next) {
      next = at->next;
      sum += (uint64_t)at->hash * at->count;
      free(at);
    }
  }
  free(table);
  table = NULL;
  used = 0;
  return sum;
}

int main(int argc, char **argv) {
  uint64_t random = 7, sum = kChecksum;
  for (unsigned n = Work(argc, argv, 4); n > 0; --n) {
    Grow();
    for (int i = 0; i < 700000; ++i) {
      const uint64_t r = Random(&random);
      char key[24];
      uint64_t number = (r & 0x1ffff) & (r >> 17 | 0x3ff);
      size_t length = 0;
      do key[length++] = (char)('a' + number % 17), number /= 17;
      while (number != 0);
      key[length++] = (char)('0' + length);
      Count(key, length);
    }
    const uint64_t part = Empty();
    sum = Checksum(sum, &part, sizeof part);
  }
  return Finish("hash", sum);
}
