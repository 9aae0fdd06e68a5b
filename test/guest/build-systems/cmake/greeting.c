#include "greeting.h"

#include "config.h"

#if !defined(HAVE_MMAP) || defined(HAVE_NO_SUCH_FUNCTION) || defined(HAVE_SYS_EPOLL_H) || \
    !defined(HAVE_OPTIONAL) || POINTER_SIZE != 4
#error "CMake's checks saw another system"
#endif

const char *greeting(void) { return "hello"; }
