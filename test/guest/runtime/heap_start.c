/* Data that ends where run.sh wants it (PAD), and a little memory from malloc. */
#include <stdlib.h>
#include <string.h>

#include "check.h"

static char pad[PAD];

int main(int argc, char **argv) {
  memset(pad, argc, sizeof pad);
  CHECK(argv[0] != NULL && pad[PAD - 1] == argc);
  for (int i = 0; i < 100; ++i) CHECK(malloc(1000) != NULL);
  return failures;
}
