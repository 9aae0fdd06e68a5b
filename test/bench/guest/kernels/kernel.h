/* What every kernel shares: its amount of work, a random stream, a checksum. A kernel does work in
 * proportion to Work(...), prints one line "NAME CHECKSUM" and nothing that depends on time. */
#ifndef ZVM_BENCH_KERNEL_H
#define ZVM_BENCH_KERNEL_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* argv[1] is a percentage of the kernel's full work; 100 when absent. At least 1. */
static inline unsigned Work(int argc, char **argv, unsigned full) {
  const unsigned percent = argc > 1 ? (unsigned)atoi(argv[1]) : 100;
  const unsigned work = (unsigned)((unsigned long long)full * percent / 100);
  return work == 0 ? 1 : work;
}

/* xorshift64: the same numbers on every machine. */
static inline uint64_t Random(uint64_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state;
}

/* FNV-1a over `size` bytes, chained by `sum` (start with kChecksum). */
static const uint64_t kChecksum = UINT64_C(0xcbf29ce484222325);
static inline uint64_t Checksum(uint64_t sum, const void *bytes, size_t size) {
  const unsigned char *at = (const unsigned char *)bytes;
  for (size_t i = 0; i < size; ++i) sum = (sum ^ at[i]) * UINT64_C(0x100000001b3);
  return sum;
}

static inline int Finish(const char *name, uint64_t sum) {
  printf("%s %016llx\n", name, (unsigned long long)sum);
  return 0;
}

/* Text of `size` bytes that compresses like prose: words of a fixed vocabulary, skewed. */
static inline char *MakeText(size_t size) {
  char words[512][12];
  uint64_t random = 42;
  for (int i = 0; i < 512; ++i) {
    const int length = 2 + (int)(Random(&random) % 9);
    for (int j = 0; j < length; ++j) words[i][j] = (char)('a' + Random(&random) % 26);
    words[i][length] = 0;
  }
  char *text = (char *)malloc(size + 16);
  if (text == NULL) exit(2);
  size_t at = 0;
  while (at < size) {
    const uint64_t r = Random(&random);
    const char *word = words[(r & 511) & (r >> 9) & 511];
    const size_t length = strlen(word);
    memcpy(text + at, word, length);
    at += length;
    text[at++] = (r >> 20) % 11 == 0 ? '\n' : ' ';
  }
  text[size] = 0;
  return text;
}

#endif
