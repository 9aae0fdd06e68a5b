/* POSIX additions to stdio that newlib leaves to its systems. One thread: streams need no locks. */
#include <errno.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "vfs.h"

void flockfile(FILE *stream) { (void)stream; }
void funlockfile(FILE *stream) { (void)stream; }
int ftrylockfile(FILE *stream) {
  (void)stream;
  return 0;
}

FILE *popen(const char *command, const char *mode) {
  (void)command, (void)mode;
  errno = ENOSYS;
  return NULL;
}
int pclose(FILE *stream) {
  (void)stream;
  return (int)zvm_result(-ECHILD);
}

/* No descriptor is a terminal, a disk or a network card. */
int ioctl(int fd, unsigned long request, ...) {
  (void)request;
  return (int)zvm_result(zvm_descriptor(fd) == NULL ? -EBADF : -ENOTTY);
}
