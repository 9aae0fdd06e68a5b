/* What a guest finds in its read-only user manifest. Source: docs/abi.md §2.
 * All pointers are 32-bit guest addresses; the array is only 4-byte aligned. */
#ifndef ZVM_ABI_USER_MANIFEST_H
#define ZVM_ABI_USER_MANIFEST_H

#include <stdint.h>

/* How a channel is addressed: bit 0 = random read, bit 1 = random write. */
enum zvm_channel_type {
  ZVM_CHANNEL_SEQUENTIAL = 0,
  ZVM_CHANNEL_APPEND = 1, /* random read, sequential write */
  ZVM_CHANNEL_RANDOM_WRITE = 2,
  ZVM_CHANNEL_RANDOM = 3
};

#pragma pack(push, 4)
struct zvm_channel_record {
  int64_t reads_limit;
  int64_t read_bytes_limit;
  int64_t writes_limit;
  int64_t write_bytes_limit;
  int64_t size_bytes; /* at session start; 0 for sequential channels */
  uint32_t type;      /* enum zvm_channel_type */
  uint32_t name;      /* NUL-terminated */
};

struct zvm_user_manifest {
  uint32_t heap_start;
  uint32_t heap_size_bytes;
  uint32_t stack_size_bytes;
  int32_t channel_count;
  uint32_t channels; /* array of zvm_channel_record */
};
#pragma pack(pop)

#ifdef __cplusplus
static_assert(sizeof(zvm_channel_record) == 48, "frozen by existing programs");
static_assert(sizeof(zvm_user_manifest) == 20, "frozen by existing programs");
#endif

#endif
