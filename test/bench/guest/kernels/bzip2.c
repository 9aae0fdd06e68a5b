/* bzip2 -9 of text; the result is unpacked and compared. */
#include "bzlib.h"
#include "kernel.h"

void bz_internal_error(int code) { exit(100 + code % 100); }

int main(int argc, char **argv) {
  unsigned size = 1 << 20;
  char *text = MakeText(size), *back = malloc(size);
  unsigned bound = size + size / 100 + 600;
  char *packed = malloc(bound);
  uint64_t sum = kChecksum;
  for (unsigned n = Work(argc, argv, 3); n > 0; --n) {
    unsigned got = bound, whole = size;
    if (BZ2_bzBuffToBuffCompress(packed, &got, text, size, 9, 0, 0) != BZ_OK) return 1;
    if (BZ2_bzBuffToBuffDecompress(back, &whole, packed, got, 0, 0) != BZ_OK) return 1;
    if (whole != size || memcmp(text, back, size) != 0) return 1;
    sum = Checksum(sum, packed, got);
    text[n] ^= 1;
  }
  return Finish("bzip2", sum);
}
