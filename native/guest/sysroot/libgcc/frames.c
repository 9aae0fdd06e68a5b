/* The unwinder's table search, and the constructor that tells it where this program's table is. One
 * object, so that a program has both or neither. */
#include "unwind-dw2-fde.c"

extern char __eh_frame_start[];

/* Before any other constructor: they may throw. */
__attribute__((constructor(101))) static void RegisterFrames(void) {
  static struct object object;
  __register_frame_info(__eh_frame_start, &object);
}
