/* One function of the C library on one buffer, over and over: libc FUNCTION SIZE COUNT. The buffer
 * ends with what strlen and memchr look for. */
#include "kernel.h"

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  const char *function = argv[1];
  const size_t size = strtoul(argv[2], NULL, 10), count = strtoul(argv[3], NULL, 10);
  char *from = malloc(size + 1), *to = malloc(size + 1);
  if (from == NULL || to == NULL) return 3;
  memset(from, 'x', size);
  memset(to, 'y', size);
  from[size - 1] = 0;
  /* Called through pointers, as the compiler must not see what is called. */
  void *(*volatile copy)(void *, const void *, size_t) = memcpy;
  void *(*volatile fill)(void *, int, size_t) = memset;
  size_t (*volatile length)(const char *) = strlen;
  void *(*volatile find)(const void *, int, size_t) = memchr;
  size_t sum = 0;
  for (size_t i = 0; i < count; ++i) {
    if (strcmp(function, "memcpy") == 0) sum += copy(to, from, size) != NULL;
    if (strcmp(function, "memset") == 0) sum += fill(to, (int)i, size) != NULL;
    if (strcmp(function, "strlen") == 0) sum += length(from);
    if (strcmp(function, "memchr") == 0) sum += (size_t)((char *)find(from, 0, size) - from);
  }
  return Finish(function, Checksum(sum, to, size < 4096 ? size : 4096));
}
