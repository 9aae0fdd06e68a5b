/* Says what it was told before its checkpoint and behind it. Compiled with EARLY it writes before
 * it, with LARGE it fills 24 MiB, with NONE it has none. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zvm.h>

int main(int argc, char **argv) {
  const int arguments_before = argc;
  const int variables_before = getenv("NAME") != NULL;
  char greeting[64] = "(no image)";
  FILE *file = fopen("/etc/greeting", "r");
  if (file != NULL && fgets(greeting, sizeof greeting, file) == NULL) greeting[0] = 0;
#ifdef EARLY
  write(1, "early\n", 6);
#endif
#ifdef LARGE
  static char large[24 << 20];
  memset(large, 1, sizeof large);
#endif
#ifndef NONE
  zvm_checkpoint(&argc, &argv);
#endif
  char input[64] = "";
  const size_t size = fread(input, 1, sizeof input - 1, stdin);
#ifdef LARGE
  if (large[size] != 1) return 4;
#endif
  const char *name = getenv("NAME");
  printf("%d %d %s|%s|%s|%.*s\n", arguments_before, variables_before, greeting,
         argc > 1 ? argv[1] : "", name != NULL ? name : "", (int)size, input);
  return 3;
}
