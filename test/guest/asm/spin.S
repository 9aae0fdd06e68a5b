/* spin: never ends by itself. */
#include "guest.h"

    .globl _start
_start:
    jmp _start
