/* Multiplication of square matrices of doubles, the textbook's three loops. */
#include "kernel.h"

enum { kSize = 300 };
static double a[kSize][kSize], b[kSize][kSize], c[kSize][kSize];

static void Multiply(void) {
  for (int i = 0; i < kSize; ++i) {
    for (int j = 0; j < kSize; ++j) {
      double sum = 0;
      for (int k = 0; k < kSize; ++k) sum += a[i][k] * b[k][j];
      c[i][j] = sum;
    }
  }
}

int main(int argc, char **argv) {
  uint64_t random = 5;
  for (int i = 0; i < kSize; ++i) {
    for (int j = 0; j < kSize; ++j) {
      a[i][j] = (double)(int)(Random(&random) % 201) / 100 - 1;
      b[i][j] = (double)(int)(Random(&random) % 201) / 100 - 1;
    }
  }
  for (unsigned n = Work(argc, argv, 12); n > 0; --n) {
    Multiply();
    for (int i = 0; i < kSize; ++i) a[i][n % kSize] = c[n % kSize][i] / 16;
  }
  return Finish("matmul", Checksum(kChecksum, c, sizeof c));
}
