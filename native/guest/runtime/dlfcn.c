/* <dlfcn.h>: no shared libraries. dlerror tells so once after each refused call. */
#include <dlfcn.h>
#include <stddef.h>

static const char *pending;

static void *Refuse(void) {
  pending = "shared libraries do not exist in the sandbox";
  return NULL;
}

void *dlopen(const char *path, int flags) {
  (void)path, (void)flags;
  return Refuse();
}

void *dlsym(void *library, const char *name) {
  (void)library, (void)name;
  return Refuse();
}

int dlclose(void *library) {
  (void)library;
  Refuse();
  return -1;
}

char *dlerror(void) {
  const char *message = pending;
  pending = NULL;
  return (char *)message;
}
