/* Devices and named pipes cannot be made: a file tree has none, and channels are given. */
#include <errno.h>
#include <sys/stat.h>

#include "vfs.h"

int mknodat(int folder, const char *path, mode_t mode, dev_t device) {
  (void)folder, (void)path, (void)mode, (void)device;
  return (int)zvm_result(-EPERM);
}

int mknod(const char *path, mode_t mode, dev_t device) { return mknodat(-1, path, mode, device); }
int mkfifo(const char *path, mode_t mode) { return mknodat(-1, path, mode, 0); }
int mkfifoat(int folder, const char *path, mode_t mode) { return mknodat(folder, path, mode, 0); }
