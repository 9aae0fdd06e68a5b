// fstat for processes that may be locked down: the C library's asks with newfstatat, which is
// refused there because it can also name files.
#pragma once

#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace zvm {

// 0, or -1 and errno.
inline int StatDescriptor(int fd, struct stat* status) {
  return static_cast<int>(syscall(SYS_fstat, fd, status));
}

}  // namespace zvm
