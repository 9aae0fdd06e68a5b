/* Functions of Linux that toybox's common parts refer to and its text tools do not reach: each says
 * that it does not exist here. */
#include <errno.h>
#include <sys/types.h>

static int Missing(void) {
  errno = ENOSYS;
  return -1;
}

int inotify_init(void) { return Missing(); }
int inotify_add_watch(int fd, const char *path, unsigned mask) { return Missing(); }
ssize_t fgetxattr(int fd, const char *name, void *value, size_t size) { return Missing(); }
ssize_t flistxattr(int fd, char *names, size_t size) { return Missing(); }
int fsetxattr(int fd, const char *name, const void *value, size_t size, int flags) {
  return Missing();
}
