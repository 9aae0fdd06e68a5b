/* Writes to its standard output until somebody stops it. */
#include <unistd.h>

int main(void) {
  static char block[65536];
  while (write(1, block, sizeof(block)) > 0) {
  }
  return 1;
}
