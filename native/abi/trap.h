/* The trap interface: six functions, called at guest address 0x10000 with edi = guest address of an
 * array of 64-bit words {function, reserved, arguments...}. Source: docs/abi.md §3.
 * Plain C, header only. Results: >= 0 success, negative = -errno. */
#ifndef ZVM_ABI_TRAP_H
#define ZVM_ABI_TRAP_H

#include <stdint.h>

#include "abi/layout.h"

/* Function ids, compared as full 64-bit words. Each spells its name in memory. */
#define ZVM_TRAP_READ UINT64_C(0x64616552)   /* channel, buffer, size, offset */
#define ZVM_TRAP_WRITE UINT64_C(0x74697257)  /* channel, buffer, size, offset */
#define ZVM_TRAP_JAIL UINT64_C(0x6C69614A)   /* buffer, size */
#define ZVM_TRAP_UNJAIL UINT64_C(0x6C6A6E55) /* buffer, size */
#define ZVM_TRAP_EXIT UINT64_C(0x74697845)   /* code; does not return */
#define ZVM_TRAP_FORK UINT64_C(0x6B726F46)   /* no arguments */

/* Words of an argument block that a function reads, function and reserved word included. */
#define ZVM_TRAP_WORDS_MAX 6u

#endif
