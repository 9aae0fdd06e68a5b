/* The guest's address space in numbers: frozen, shared by host and guest.
 * Source of every value: docs/abi.md §1 (address space of existing programs).
 * Plain C, header only; must never include anything but <stdint.h>. */
#ifndef ZVM_ABI_LAYOUT_H
#define ZVM_ABI_LAYOUT_H

#include <stdint.h>

/* Host address of guest address 0. A multiple of 4 GiB, so the low half of a host pointer into the
 * window is the guest address. */
#define ZVM_WINDOW_BASE UINT64_C(0x440A00000000)
#define ZVM_WINDOW_SIZE_BYTES (UINT64_C(1) << 32)
/* Inaccessible space on each side of the window; 40 + 4 + 40 = 84 GiB are reserved. */
#define ZVM_GUARD_SIZE_BYTES (UINT64_C(40) << 30)

#define ZVM_BUNDLE_SIZE_BYTES 32u
/* Granularity of segments, of jail and of the user manifest. */
#define ZVM_MAP_PAGE_SIZE_BYTES 0x10000u
#define ZVM_HALT_BYTE 0xF4u
#define ZVM_HALT_SLED_SIZE_BYTES 32u

#define ZVM_TRAMPOLINE_START 0x10000u
#define ZVM_TRAMPOLINE_END 0x20000u
#define ZVM_TEXT_START 0x20000u

/* The stack is always the last 16 MiB of the window. */
#define ZVM_STACK_SIZE_BYTES 0x01000000u
#define ZVM_STACK_START 0xFF000000u

/* The 32-bit pointer to the user manifest record. */
#define ZVM_USER_MANIFEST_POINTER 0xFEFFFFFCu

#define ZVM_CHANNELS_MAX 10914u
#define ZVM_STANDARD_CHANNELS 3u

#endif
