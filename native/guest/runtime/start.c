/* From _start to main and from exit to the exit trap. The order: heap, clock, nvram, files,
 * environment, mounts, constructors, home directory, main. Files and environment work in
 * constructors. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zvm.h>

#include "vfs.h"

enum { START_FAILED = 126 };

typedef void (*function)(void);
extern function __preinit_array_start[], __preinit_array_end[];
extern function __init_array_start[], __init_array_end[];
extern function __fini_array_start[], __fini_array_end[];

/* Identifies this program to __cxa_atexit; there is only one. */
void *__dso_handle __attribute__((visibility("hidden"))) = &__dso_handle;

int main(int argc, char **argv, char **envp);

const char *zvm_program_name = "";

/* To the runtime's log channel, or to standard error when there is none. */
void zvm_complain(const char *what, const char *name) {
  int32_t channel = zvm_find_channel("/dev/debug");
  if (channel < 0) channel = zvm_find_channel("/dev/stderr");
  if (channel < 0) return;
  char line[512];
  size_t length = 0;
  const char *const parts[] = {"zvm runtime: ", what, " ", name, "\n"};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; ++i) {
    size_t part = strlen(parts[i]);
    if (part > sizeof line - length) part = sizeof line - length;
    memcpy(line + length, parts[i], part);
    length += part;
  }
  zvm_write(channel, line, length, 0);
}

_Noreturn void zvm_start_failed(const char *what) {
  zvm_complain("start failed:", what);
  zvm_exit(START_FAILED);
}

void zvm_name_program(const char *path) {
  const char *slash = strrchr(path, '/');
  zvm_program_name = slash != NULL ? slash + 1 : path;
}

/* Descriptors 0, 1 and 2; a missing standard channel becomes /dev/null. */
static void OpenStandard(void) {
  static const char *const kNames[] = {"/dev/stdin", "/dev/stdout", "/dev/stderr"};
  for (int fd = 0; fd < 3; ++fd) {
    struct zvm_node *node;
    int flags = fd == 0 ? O_RDONLY : O_WRONLY;
    if (zvm_walk_node(AT_FDCWD, kNames[fd], 0, &node) < 0 || zvm_open_node(node, flags, fd) < 0) {
      if (zvm_walk_node(AT_FDCWD, "/dev/null", 0, &node) < 0) zvm_start_failed("no standard files");
      zvm_open_node(node, flags, fd);
    }
  }
}

static void MakeTree(void) {
  zvm_root = zvm_new_node(ZVM_DIRECTORY, 0755);
  if (zvm_root == NULL) zvm_start_failed("no memory");
  zvm_root->link_count = 2;
  zvm_root->u.directory.parent = zvm_root;
  zvm_cwd = zvm_root;
  zvm_use(zvm_root);
  zvm_use(zvm_cwd);
  struct zvm_node *ignored;
  if (zvm_make_path("/tmp", 01777, &ignored) < 0 || zvm_make_path("/dev", 0555, &ignored) < 0 ||
      zvm_mount_channels() < 0) {
    zvm_start_failed("no memory for the file tree");
  }
}

void zvm_enter_home(void) {
  const char *home = getenv("HOME");
  if (home == NULL) return;
  struct zvm_node *directory;
  if (zvm_make_path(home, 0755, &directory) < 0 || chdir(home) < 0) {
    zvm_complain("cannot enter the home directory", home);
  }
}

static void RunFini(void) {
  for (function *f = __fini_array_end; f > __fini_array_start;) (*--f)();
}

_Noreturn void __zvm_start(void) {
  static char *nothing[] = {NULL};
  environ = nothing;
  zvm_heap_start();
  if (zvm_read_nvram() < 0) zvm_start_failed("/dev/nvram is malformed");
  MakeTree();
  if (zvm_apply_environment() < 0) zvm_start_failed("no memory");
  OpenStandard();
  zvm_apply_mapping();
  zvm_apply_mounts();
  int argc;
  char **argv = zvm_arguments(&argc);
  if (argv == NULL) zvm_start_failed("no memory");
  zvm_name_program(argv[0]);
  atexit(RunFini);
  for (function *f = __preinit_array_start; f < __preinit_array_end; ++f) (*f)();
  for (function *f = __init_array_start; f < __init_array_end; ++f) (*f)();
  zvm_enter_home();
  exit(main(argc, argv, environ));
}

_Noreturn void _exit(int status) {
  zvm_apply_exports();
  zvm_exit(status);
}
