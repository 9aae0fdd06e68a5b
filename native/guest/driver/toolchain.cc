// See toolchain.h.
#include "guest/driver/toolchain.h"

#include <unistd.h>

#include <climits>
#include <cstdlib>

namespace zvm::guest {

bool FindToolchain(Toolchain* toolchain) {
  char path[PATH_MAX];
  const ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
  if (length <= 0) {
    PrintError("cannot find my own place in /proc");
    return false;
  }
  toolchain->bin.assign(path, static_cast<size_t>(length));
  toolchain->bin.resize(toolchain->bin.rfind('/'));
  const char* sysroot = getenv("ZVM_SYSROOT");
  toolchain->sysroot = sysroot != nullptr ? sysroot : toolchain->bin + "/sysroot";
  return true;
}

}  // namespace zvm::guest
