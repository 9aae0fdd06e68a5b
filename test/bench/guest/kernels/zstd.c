/* zstd at its default level and at a high one; the result is unpacked and compared. */
#include "kernel.h"
#include "zstd.h"

int main(int argc, char **argv) {
  const size_t size = 3 << 20;
  char *text = MakeText(size), *back = malloc(size);
  const size_t bound = ZSTD_compressBound(size);
  char *packed = malloc(bound);
  uint64_t sum = kChecksum;
  for (unsigned n = Work(argc, argv, 4); n > 0; --n) {
    static const int kLevels[] = {3, 7};
    for (int i = 0; i < 2; ++i) {
      const size_t got = ZSTD_compress(packed, bound, text, size, kLevels[i]);
      if (ZSTD_decompress(back, size, packed, got) != size || memcmp(text, back, size) != 0)
        return 1;
      sum = Checksum(sum, packed, got);
    }
    text[n] ^= 1;
  }
  return Finish("zstd", sum);
}
