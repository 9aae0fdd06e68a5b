/* Counts as far as its argument says, then copies its input: a job that takes its time. */
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char** argv) {
  char block[4096];
  size_t size;
  volatile unsigned long counted = 0;
  const unsigned long goal = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
  while (counted < goal) counted++;
  while ((size = fread(block, 1, sizeof(block), stdin)) > 0) fwrite(block, 1, size, stdout);
  printf("counted to %lu\n", counted);
  return 0;
}
