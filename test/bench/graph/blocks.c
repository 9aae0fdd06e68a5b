/* A node of the transport bench: `blocks send BLOCK COUNT` writes blocks to stdout, `blocks take
 * BLOCK` reads stdin to its end. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK_MAX = 1048576 };
static char block[BLOCK_MAX] __attribute__((aligned(4096)));

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  const long size = atol(argv[2]);
  if (size < 1 || size > BLOCK_MAX) return 2;
  memset(block, 'z', (size_t)size);
  if (strcmp(argv[1], "send") == 0) {
    for (long left = argc > 3 ? atol(argv[3]) : 0; left > 0; --left)
      if (write(1, block, (size_t)size) != size) return 1;
    return 0;
  }
  ssize_t got;
  while ((got = read(0, block, (size_t)size)) > 0) continue;
  return got < 0;
}
