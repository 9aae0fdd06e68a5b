/* The C library's qsort with a comparison function, on numbers and on strings by pointer. */
#include "kernel.h"

static int ByNumber(const void *left, const void *right) {
  const int32_t a = *(const int32_t *)left, b = *(const int32_t *)right;
  return (a > b) - (a < b);
}

static int ByText(const void *left, const void *right) {
  return strcmp(*(char *const *)left, *(char *const *)right);
}

int main(int argc, char **argv) {
  enum { kNumbers = 400000, kTexts = 50000 };
  static int32_t numbers[kNumbers];
  static char bytes[kTexts][12];
  static char *texts[kTexts];
  uint64_t random = 3, sum = kChecksum;
  for (unsigned n = Work(argc, argv, 6); n > 0; --n) {
    for (int i = 0; i < kNumbers; ++i) numbers[i] = (int32_t)Random(&random);
    qsort(numbers, kNumbers, sizeof *numbers, ByNumber);
    sum = Checksum(sum, numbers, sizeof numbers);
    for (int i = 0; i < kTexts; ++i) {
      for (int j = 0; j < 11; ++j) bytes[i][j] = (char)('a' + Random(&random) % 26);
      texts[i] = bytes[i];
    }
    qsort(texts, kTexts, sizeof *texts, ByText);
    for (int i = 0; i < kTexts; i += 97) sum = Checksum(sum, texts[i], 11);
  }
  return Finish("qsort", sum);
}
