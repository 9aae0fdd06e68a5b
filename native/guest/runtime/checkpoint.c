/* zvm_checkpoint: the trap that may end a session here for good and begin others, and what a
 * program must be given anew behind it. Behind it sessions do the same whether they began here or
 * not. */
#include <stdio.h>
#include <zvm.h>

#include "vfs.h"

int zvm_checkpoint(int *argc, char ***argv) {
  const int32_t result = zvm_fork();
  const bool fresh = result == 1;
  if (fresh) {
    zvm_channels_restart();
    zvm_descriptors_restart();
    /* What was read ahead came from another session's input. */
    if (zvm_descriptor(fileno(stdin)) != NULL) {
      fpurge(stdin);
      clearerr(stdin);
    }
  }
  if (zvm_reread_nvram(fresh) < 0) zvm_start_failed("/dev/nvram is malformed");
  if (zvm_apply_environment() < 0) zvm_start_failed("no memory");
  zvm_apply_mapping();
  char **arguments = zvm_arguments(argc);
  if (arguments == NULL) zvm_start_failed("no memory");
  *argv = arguments;
  zvm_name_program(arguments[0]);
  zvm_enter_home();
  return result;
}
