/* The smallest program: output goes to the channel named /dev/stdout. */
#include <stdio.h>

int main(int argc, char **argv) {
  printf("hello from the sandbox, %s\n", argc > 1 ? argv[1] : argv[0]);
  return 0;
}
