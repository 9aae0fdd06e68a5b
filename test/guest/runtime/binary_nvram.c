/* The binary-safe form of /dev/nvram, as run.sh writes it: bytes that the text form cannot carry,
 * and records longer than its first reader ever took. */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

static int AllOf(const char *text, char c, size_t length) {
  return strlen(text) == length && strspn(text, (char[]){c, 0}) == length;
}

static const char *Get(const char *name) {
  const char *value = getenv(name);
  return value == NULL ? "(not set)" : value;
}

int main(int argc, char **argv) {
  CHECK(argc == 7 && argv[7] == NULL);
  CHECK(strcmp(argv[0], "program") == 0);
  CHECK(strcmp(argv[1], "two\nlines, a=b # \"quoted\" [args]") == 0);
  CHECK(strcmp(argv[2], "") == 0);
  CHECK(strcmp(argv[3], " blanks ") == 0);
  CHECK(strcmp(argv[4], "\\x41 \377\001") == 0);
  CHECK(AllOf(argv[5], 'A', 300000));
  CHECK(strcmp(argv[6], "last 5:args") == 0);

  CHECK(strcmp(Get("LINES"), "one\ntwo=2\n") == 0);
  CHECK(strcmp(Get("EMPTY"), "") == 0);
  CHECK(strcmp(Get("EQUALS"), "=a=b=") == 0);
  CHECK(AllOf(Get("LARGE"), 'E', 200000));
  int count = 0;
  while (environ[count] != NULL) ++count;
  CHECK(count == 1004);
  CHECK(strcmp(Get("N1"), "1") == 0 && strcmp(Get("N1000"), "1000") == 0);

  CHECK(time(NULL) == 1500000000);
  struct stat status;
  CHECK(stat("/dev/stdin", &status) == 0 && S_ISCHR(status.st_mode));
  unsigned char bytes[4];
  CHECK(getrandom(bytes, sizeof bytes, 0) == sizeof bytes);
  CHECK(memcmp(bytes, "\0\0\0\0", 4) != 0);
  return failures;
}
