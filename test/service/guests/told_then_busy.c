/* Says one word, then computes until somebody stops it. */
#include <unistd.h>

int main(void) {
  static volatile unsigned long count;
  write(1, "first\n", 6);
  for (;;) ++count;
}
