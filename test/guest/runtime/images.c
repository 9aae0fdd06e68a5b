/* A mounted tar image (made by run.sh with GNU tar), changed, and its export by another channel. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

static int Holds(const char *path, const char *text) {
  char buffer[256] = {0};
  const int fd = open(path, O_RDONLY);
  if (fd < 0) return 0;
  const ssize_t got = read(fd, buffer, sizeof buffer - 1);
  close(fd);
  return got == (ssize_t)strlen(text) && strcmp(buffer, text) == 0;
}

int main(void) {
  struct stat st;
  CHECK(Holds("/image/plain.txt", "plain\n"));
  CHECK(stat("/image/plain.txt", &st) == 0 && (st.st_mode & 0777) == 0640 &&
        st.st_mtime == 1000000000);
  CHECK(stat("/image/hard", &st) == 0 && st.st_nlink == 2);
  CHECK(lstat("/image/soft", &st) == 0 && S_ISLNK(st.st_mode) && Holds("/image/soft", "plain\n"));
  char name[256];
  memset(name, 'x', 180);
  name[180] = 0;
  char path[512];
  snprintf(path, sizeof path, "/image/deep/%s/long.txt", name);
  CHECK(Holds(path, "long\n"));
  CHECK(stat("/image/big", &st) == 0 && st.st_size == 300000);
  const int fd = open("/image/big", O_RDWR);
  unsigned char byte = 0;
  CHECK(pread(fd, &byte, 1, 299999) == 1 && byte == 'B');
  CHECK(pwrite(fd, "C", 1, 150000) == 1 && pread(fd, &byte, 1, 299999) == 1 && byte == 'B');
  close(fd);
  CHECK(unlink("/image/plain.txt") == 0 && Holds("/image/hard", "plain\n"));
  CHECK(mkdir("/image/new", 0700) == 0 && chmod("/image/new", 0711) == 0);
  const int made = open("/image/new/file", O_CREAT | O_WRONLY, 0600);
  CHECK(write(made, "made\n", 5) == 5 && close(made) == 0);
  CHECK(symlink("file", "/image/new/link") == 0 &&
        link("/image/new/file", "/image/new/again") == 0);
  return failures;
}
