/* One keyed stream of random bytes (ChaCha20, RFC 8439 §2.3) for getrandom, getentropy, /dev/random
 * and /dev/urandom. The key is the seed of the nvram, all zero without one: repeatable, not secret.
 */
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "vfs.h"

static uint32_t key[8];
static uint64_t block_number;
static unsigned char block[64];
static size_t block_left;

/* The same stream from its start. */
void zvm_random_restart(void) {
  block_number = 0;
  block_left = 0;
}

void zvm_random_seed(const void *seed, size_t size) {
  const unsigned char *bytes = seed;
  memset(key, 0, sizeof key);
  /* Longer seeds are folded in; the first 32 bytes are taken as they are. */
  for (size_t i = 0; i < size; ++i) ((unsigned char *)key)[i % sizeof key] ^= bytes[i];
  zvm_random_restart();
}

static uint32_t Rotate(uint32_t word, unsigned bits) { return word << bits | word >> (32 - bits); }

static void Quarter(uint32_t *x, int a, int b, int c, int d) {
  x[a] += x[b];
  x[d] = Rotate(x[d] ^ x[a], 16);
  x[c] += x[d];
  x[b] = Rotate(x[b] ^ x[c], 12);
  x[a] += x[b];
  x[d] = Rotate(x[d] ^ x[a], 8);
  x[c] += x[d];
  x[b] = Rotate(x[b] ^ x[c], 7);
}

static void NextBlock(void) {
  uint32_t state[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
  memcpy(state + 4, key, sizeof key);
  state[12] = (uint32_t)block_number;
  state[13] = (uint32_t)(block_number >> 32);
  ++block_number;
  uint32_t x[16];
  memcpy(x, state, sizeof x);
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < 4; ++i) Quarter(x, i, 4 + i, 8 + i, 12 + i);
    for (int i = 0; i < 4; ++i) Quarter(x, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4);
  }
  for (int i = 0; i < 16; ++i) x[i] += state[i];
  memcpy(block, x, sizeof block);
  block_left = sizeof block;
}

void zvm_random_bytes(void *buffer, size_t size) {
  unsigned char *out = buffer;
  while (size > 0) {
    if (block_left == 0) NextBlock();
    const size_t part = size < block_left ? size : block_left;
    memcpy(out, block + sizeof block - block_left, part);
    block_left -= part;
    out += part;
    size -= part;
  }
}

ssize_t getrandom(void *buffer, size_t size, unsigned flags) {
  if ((flags & ~(unsigned)(GRND_NONBLOCK | GRND_RANDOM)) != 0) return (ssize_t)zvm_result(-EINVAL);
  zvm_random_bytes(buffer, size);
  return (ssize_t)size;
}

int getentropy(void *buffer, size_t size) {
  if (size > 256) return (int)zvm_result(-EIO);
  zvm_random_bytes(buffer, size);
  return 0;
}
