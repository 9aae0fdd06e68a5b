/* zvm_checkpoint: what stays and what is given anew. Everything printed must be the same in a session
 * that runs through its checkpoint and in one that starts there (run.sh compares). */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zvm.h>

static void PrintFile(const char *path) {
  char text[64];
  FILE *file = fopen(path, "r");
  size_t size = file == NULL ? 0 : fread(text, 1, sizeof text - 1, file);
  text[size] = 0;
  printf("%s: %s\n", path, file == NULL ? "(none)" : text);
  if (file != NULL) fclose(file);
}

static void PrintSession(int argc, char **argv) {
  for (int i = 0; i < argc; ++i) printf("argument %s\n", argv[i]);
  for (char **variable = environ; *variable != NULL; ++variable) printf("%s\n", *variable);
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  unsigned char random[8];
  getrandom(random, sizeof random, 0);
  printf("time %lld.%09ld random", (long long)now.tv_sec, now.tv_nsec);
  for (size_t i = 0; i < sizeof random; ++i) printf(" %02x", random[i]);
  printf("\n");
  char folder[256];
  printf("in %s\n", getcwd(folder, sizeof folder));
}

int main(int argc, char **argv) {
  /* Before: files in memory, open files, heap near its end, time and random numbers used up. */
  FILE *kept = fopen("/tmp/kept", "w+");
  fprintf(kept, "kept text");
  fflush(kept);
  const int offset = open("/tmp/kept", O_RDONLY);
  lseek(offset, 5, SEEK_SET);
  const int input = open("/dev/stdin", O_RDONLY);
  int pipe_ends[2];
  if (pipe(pipe_ends) != 0 || write(pipe_ends[1], "piped", 5) != 5) return 1;
  setenv("ONLY_BEFORE", "1", 1);
  mkdir("/made", 0700);
  sleep(5);
  char waste[100];
  getrandom(waste, sizeof waste, 0);
  struct zvm_user_manifest const *manifest = zvm_manifest();
  char *last = (char *)(manifest->heap_start + manifest->heap_size_bytes - 1);
  *last = 'L';
  printf("buffered before\n");

  const int result = zvm_checkpoint(&argc, &argv);
  if (result != 0 && result != 1) return 2;

  PrintSession(argc, argv);
  char text[32] = "";
  ssize_t size = read(offset, text, sizeof text - 1);
  printf("rest of the file: %.*s\n", (int)size, text);
  size = read(pipe_ends[0], text, sizeof text);
  printf("pipe: %.*s\n", (int)size, text);
  size = read(input, text, 4);
  printf("input: %.*s\n", (int)size, text);
  fputs(" and more", kept);
  fclose(kept);
  PrintFile("/tmp/kept");
  PrintFile("/image/plain.txt");
  PrintFile("/dev/stdin");
  printf("last byte of the heap %c\n", *last);
  /* Behind the first one another checkpoint changes nothing but what it gives anew. */
  zvm_checkpoint(&argc, &argv);
  PrintSession(argc, argv);
  return 42;
}
