/* Two nodes, `left` and `right`. Ten rounds: one sends a million bytes and then receives as many,
 * the other the reverse; every read gives all that was asked for, because a link has no short
 * reads before its end. Then left writes a hundred million bytes that right counts to the end. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK = 1000000, ROUNDS = 10, BLOCKS = 100 };

static char block[BLOCK];

static void Fail(const char *what) {
  fprintf(stderr, "reqrep: %s\n", what);
  exit(1);
}

int main(void) {
  const char *node = getenv("ZVM_NODE");
  if (node == NULL) Fail("ZVM_NODE is not set");
  const int is_left = strcmp(node, "left") == 0;
  const int in = open(is_left ? "/dev/in/right" : "/dev/in/left", O_RDONLY);
  const int out = open(is_left ? "/dev/out/right" : "/dev/out/left", O_WRONLY);
  if (in < 0 || out < 0) Fail("open");
  long received = 0, sent = 0;
  for (int half = 0; half < 2 * ROUNDS; ++half) {
    if ((half % 2 == 0) == is_left) {
      if (write(out, block, BLOCK) != BLOCK) Fail("short write");
      sent += BLOCK;
    } else {
      if (read(in, block, BLOCK) != BLOCK) Fail("short read");
      received += BLOCK;
    }
  }
  if (is_left) {
    for (int i = 0; i < BLOCKS; ++i, sent += BLOCK)
      if (write(out, block, BLOCK) != BLOCK) Fail("short write");
  } else {
    for (ssize_t got; (got = read(in, block, BLOCK)) > 0; received += got) {
    }
  }
  printf("%s sent %ld received %ld\n", node, sent, received);
  return 0;
}
