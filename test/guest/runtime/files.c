/* The in-memory file tree: creation, content, names, links, directories, errors. */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "check.h"

static int Exists(const char *path) {
  struct stat st;
  return lstat(path, &st) == 0;
}

static void Content(void) {
  char buffer[64] = {0};
  int fd = open("/tmp/a", O_RDWR | O_CREAT | O_EXCL, 0644);
  CHECK(fd >= 3);
  CHECK_ERRNO(open("/tmp/a", O_RDWR | O_CREAT | O_EXCL, 0644), EEXIST);
  CHECK(write(fd, "hello world", 11) == 11);
  CHECK(lseek(fd, 0, SEEK_CUR) == 11 && lseek(fd, -5, SEEK_END) == 6);
  CHECK(read(fd, buffer, sizeof buffer) == 5 && memcmp(buffer, "world", 5) == 0);
  CHECK(pread(fd, buffer, 4, 1) == 4 && memcmp(buffer, "ello", 4) == 0);
  CHECK(pwrite(fd, "J", 1, 0) == 1 && lseek(fd, 0, SEEK_CUR) == 11);
  CHECK(lseek(fd, 100, SEEK_SET) == 100 && write(fd, "x", 1) == 1);
  struct stat st;
  CHECK(fstat(fd, &st) == 0 && st.st_size == 101 && S_ISREG(st.st_mode) &&
        (st.st_mode & 0777) == 0644);
  CHECK(pread(fd, buffer, 1, 50) == 1 && buffer[0] == 0);
  CHECK(ftruncate(fd, 5) == 0 && fstat(fd, &st) == 0 && st.st_size == 5);
  CHECK_ERRNO(lseek(fd, -1, SEEK_SET), EINVAL);
  CHECK_ERRNO(lseek(fd, 0, 17), EINVAL);
  CHECK(close(fd) == 0);
  CHECK_ERRNO(close(fd), EBADF);
  CHECK_ERRNO(read(-1, buffer, 1), EBADF);
  fd = open("/tmp/a", O_WRONLY | O_APPEND);
  CHECK_ERRNO(read(fd, buffer, 1), EBADF);
  CHECK(write(fd, "!", 1) == 1 && fstat(fd, &st) == 0 && st.st_size == 6);
  close(fd);
  fd = open("/tmp/a", O_RDONLY);
  CHECK_ERRNO(write(fd, "x", 1), EBADF);
  char *map = mmap(NULL, 6, PROT_READ, MAP_PRIVATE, fd, 0);
  CHECK(map != MAP_FAILED && memcmp(map, "Jello!", 6) == 0);
  CHECK(munmap(map, 6) == 0);
  CHECK(mmap(NULL, 6, PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED && errno == ENODEV);
  close(fd);
}

static void Names(void) {
  CHECK(mkdir("/tmp/d", 0755) == 0);
  CHECK_ERRNO(mkdir("/tmp/d", 0755), EEXIST);
  CHECK_ERRNO(mkdir("/none/d", 0755), ENOENT);
  CHECK_ERRNO(mkdir("/tmp/a/d", 0755), ENOTDIR);
  CHECK_ERRNO(rmdir("/tmp/a"), ENOTDIR);
  CHECK_ERRNO(unlink("/tmp/d"), EISDIR);
  CHECK_ERRNO(rmdir("/"), EBUSY);
  CHECK(link("/tmp/a", "/tmp/d/b") == 0);
  CHECK_ERRNO(rmdir("/tmp/d"), ENOTEMPTY);
  struct stat st, other;
  CHECK(stat("/tmp/a", &st) == 0 && stat("/tmp/d/b", &other) == 0);
  CHECK(st.st_nlink == 2 && st.st_ino == other.st_ino);
  CHECK_ERRNO(link("/tmp/d", "/tmp/e"), EPERM);
  CHECK(rename("/tmp/d/b", "/tmp/d/c") == 0 && !Exists("/tmp/d/b") && Exists("/tmp/d/c"));
  CHECK_ERRNO(rename("/tmp/d", "/tmp/d/inside"), EINVAL);
  CHECK_ERRNO(rename("/tmp/none", "/tmp/x"), ENOENT);
  CHECK_ERRNO(rename("/tmp/a", "/tmp/d"), EISDIR);
  CHECK_ERRNO(rename("/tmp/d", "/tmp/a"), ENOTDIR);
  CHECK(rename("/tmp/d", "/tmp/moved") == 0 && Exists("/tmp/moved/c"));
  CHECK(remove("/tmp/moved/c") == 0 && remove("/tmp/moved") == 0 && !Exists("/tmp/moved"));
  CHECK(stat("/tmp/a", &st) == 0 && st.st_nlink == 1);
  char name[300];
  memset(name, 'n', sizeof name);
  memcpy(name, "/tmp/", 5);
  name[5 + 256] = 0;
  CHECK_ERRNO(open(name, O_CREAT | O_WRONLY, 0644), ENAMETOOLONG);
  name[5 + 255] = 0;
  int fd = open(name, O_CREAT | O_WRONLY, 0644);
  CHECK(fd >= 0 && unlink(name) == 0 && write(fd, "x", 1) == 1 && close(fd) == 0);
  CHECK_ERRNO(open("", O_RDONLY), ENOENT);
  CHECK_ERRNO(open("/tmp/a/", O_RDONLY), ENOTDIR);
}

static void Symlinks(void) {
  char buffer[64] = {0};
  CHECK(symlink("a", "/tmp/link") == 0);
  CHECK(readlink("/tmp/link", buffer, sizeof buffer) == 1 && buffer[0] == 'a');
  CHECK_ERRNO(readlink("/tmp/a", buffer, sizeof buffer), EINVAL);
  struct stat st;
  CHECK(lstat("/tmp/link", &st) == 0 && S_ISLNK(st.st_mode) && st.st_size == 1);
  CHECK(stat("/tmp/link", &st) == 0 && S_ISREG(st.st_mode));
  CHECK(symlink("loop", "/tmp/loop") == 0);
  CHECK_ERRNO(open("/tmp/loop", O_RDONLY), ELOOP);
  CHECK(symlink("/tmp/target", "/tmp/dangling") == 0);
  CHECK_ERRNO(open("/tmp/dangling", O_RDONLY), ENOENT);
  const int fd = open("/tmp/dangling", O_CREAT | O_WRONLY, 0600);
  CHECK(fd >= 0 && Exists("/tmp/target") && close(fd) == 0);
  CHECK(mkdir("/tmp/dir", 0755) == 0 && symlink("../tmp/dir", "/tmp/dirlink") == 0);
  CHECK(mkdir("/tmp/dirlink/sub", 0755) == 0 && Exists("/tmp/dir/sub"));
  char real[256];
  CHECK(realpath("/tmp/dirlink/../link", real) != NULL && strcmp(real, "/tmp/a") == 0);
  CHECK(realpath("//tmp/./dirlink/sub/", real) != NULL && strcmp(real, "/tmp/dir/sub") == 0);
}

static void Directories(void) {
  char buffer[256];
  CHECK(mkdir("/work", 0755) == 0 && chdir("/work") == 0);
  CHECK(getcwd(buffer, sizeof buffer) != NULL && strcmp(buffer, "/work") == 0);
  CHECK(getcwd(buffer, 3) == NULL && errno == ERANGE);
  for (int i = 0; i < 200; ++i) {
    snprintf(buffer, sizeof buffer, "f%d", i);
    const int fd = open(buffer, O_CREAT | O_WRONLY, 0644);
    CHECK(fd >= 0 && close(fd) == 0);
  }
  DIR *dir = opendir(".");
  int count = 0, dots = 0;
  for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
    if (entry->d_name[0] == '.') {
      ++dots;
      continue;
    }
    ++count;
    CHECK(entry->d_type == DT_REG);
    CHECK(unlink(entry->d_name) == 0);
  }
  CHECK(count == 200 && dots == 2);
  CHECK(closedir(dir) == 0);
  CHECK(opendir("/none") == NULL && errno == ENOENT);
  CHECK(opendir("/tmp/a") == NULL && errno == ENOTDIR);
  CHECK_ERRNO(open("/work", O_WRONLY), EISDIR);
  CHECK(chdir("/") == 0 && rmdir("/work") == 0);
  struct statvfs volume;
  CHECK(statvfs("/", &volume) == 0 && volume.f_bfree > 0 && volume.f_bfree <= volume.f_blocks);
}

static void Descriptors(void) {
  char buffer[8];
  int fds[2];
  CHECK(pipe(fds) == 0 && write(fds[1], "abc", 3) == 3);
  CHECK(read(fds[0], buffer, 8) == 3);
  CHECK_ERRNO(read(fds[0], buffer, 8), EAGAIN);
  CHECK(close(fds[1]) == 0 && read(fds[0], buffer, 8) == 0 && close(fds[0]) == 0);
  const int fd = open("/tmp/a", O_RDONLY);
  const int copy = dup(fd);
  CHECK(read(fd, buffer, 2) == 2 && lseek(copy, 0, SEEK_CUR) == 2);
  CHECK(dup2(copy, 20) == 20 && close(copy) == 0 && close(fd) == 0 && read(20, buffer, 1) == 1);
  CHECK((fcntl(20, F_GETFL) & O_ACCMODE) == O_RDONLY && fcntl(20, F_DUPFD, 30) == 30);
  CHECK_ERRNO(dup2(20, -1), EBADF);
  CHECK_ERRNO(fcntl(77, F_GETFL), EBADF);
  close(20);
  close(30);
  int last = -1, opened = 0;
  while ((last = open("/tmp/a", O_RDONLY)) >= 0) ++opened;
  CHECK(errno == EMFILE && opened > 1000);
  for (int i = 3; i < 1024; ++i) close(i);
}

static void Devices(void) {
  unsigned char a[16], b[16], zero[16] = {0};
  int fd = open("/dev/urandom", O_RDONLY);
  CHECK(read(fd, a, 16) == 16 && read(fd, b, 16) == 16 && memcmp(a, b, 16) != 0);
  close(fd);
  fd = open("/dev/zero", O_RDONLY);
  CHECK(read(fd, a, 16) == 16 && memcmp(a, zero, 16) == 0);
  close(fd);
  fd = open("/dev/full", O_WRONLY);
  CHECK_ERRNO(write(fd, a, 1), ENOSPC);
  close(fd);
  fd = open("/dev/null", O_RDWR);
  CHECK(read(fd, a, 1) == 0 && write(fd, a, 16) == 16);
  close(fd);
  CHECK_ERRNO(open("/dev/unknown", O_RDWR | O_CREAT, 0644), ENOENT);
  CHECK_ERRNO(mkdir("/dev/d", 0755), EACCES);
  CHECK_ERRNO(unlink("/dev/null"), EACCES);
  CHECK_ERRNO(open("/dev/stdout", O_RDONLY), EACCES);
  CHECK_ERRNO(open("/dev/stdin", O_WRONLY), EACCES);
  CHECK(!isatty(1) && errno == ENOTTY);
}

int main(void) {
  Content();
  Names();
  Symlinks();
  Directories();
  Descriptors();
  Devices();
  return failures;
}
