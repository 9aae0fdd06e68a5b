/* The six traps and the user manifest: all that a program in the sandbox can reach, without any
 * library. Specification: docs/abi.md §2 (user manifest) and §3 (traps).
 * Functions return >= 0 or -errno; they never set errno. Works in C and C++. */
#ifndef ZVM_H
#define ZVM_H

#include <stddef.h>
#include <stdint.h>

#include "abi/layout.h"
#include "abi/trap.h"
#include "abi/user_manifest.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Guest address 0x10000, provided by the linker script. */
int32_t __zvm_trap(const uint64_t *words);

/* Reads up to `size_bytes` from channel number `channel`. `offset` counts for channels with random
 * reads only. Returns the number of bytes read, 0 at the end. */
static inline int32_t zvm_read(int32_t channel, void *buffer, size_t size_bytes, int64_t offset) {
  const uint64_t words[6] = {ZVM_TRAP_READ, 0, (uint64_t)channel, (uintptr_t)buffer, size_bytes,
                             (uint64_t)offset};
  return __zvm_trap(words);
}

/* Writes up to `size_bytes` to channel number `channel`; `offset` counts for channels with random
 * writes only. Returns the number of bytes written. */
static inline int32_t zvm_write(int32_t channel, const void *buffer, size_t size_bytes,
                                int64_t offset) {
  const uint64_t words[6] = {ZVM_TRAP_WRITE, 0, (uint64_t)channel, (uintptr_t)buffer, size_bytes,
                             (uint64_t)offset};
  return __zvm_trap(words);
}

/* Makes `size_bytes` of heap at a 64 KiB boundary executable, if the validator accepts them. The
 * pages stay read-only until zvm_unjail. */
static inline int32_t zvm_jail(void *code, size_t size_bytes) {
  const uint64_t words[4] = {ZVM_TRAP_JAIL, 0, (uintptr_t)code, size_bytes};
  return __zvm_trap(words);
}

/* Makes jailed pages ordinary heap again. */
static inline int32_t zvm_unjail(void *code, size_t size_bytes) {
  const uint64_t words[4] = {ZVM_TRAP_UNJAIL, 0, (uintptr_t)code, size_bytes};
  return __zvm_trap(words);
}

/* Marks the point from which later sessions may start. Returns 0 when nothing has happened, 1 in a
 * session that starts there. Programs with the C library call zvm_checkpoint. */
static inline int32_t zvm_fork(void) {
  const uint64_t words[2] = {ZVM_TRAP_FORK, 0};
  return __zvm_trap(words);
}

/* The same for programs with the C library, which has it: behind this, arguments, environment,
 * clock and random stream are those that this session's /dev/nvram asks for, as at the start of
 * main, and channels that are open are at their start where the session begins here. Files in
 * memory, heap and mounted images stay as they were; the environment is replaced. Before it,
 * nothing may be written to a channel, and what is read from one should not differ between
 * sessions. Returns as zvm_fork. */
int zvm_checkpoint(int *argc, char ***argv);

/* Ends the session; `code` stands in the report. */
static inline __attribute__((noreturn)) void zvm_exit(int32_t code) {
  const uint64_t words[3] = {ZVM_TRAP_EXIT, 0, (uint64_t)code};
  __zvm_trap(words);
  __builtin_trap();
}

/* The read-only record that the host leaves for the program. */
static inline const struct zvm_user_manifest *zvm_manifest(void) {
  return (const struct zvm_user_manifest *)*(const uint32_t *)ZVM_USER_MANIFEST_POINTER;
}

/* Channel number `channel`; the caller keeps it below channel_count. */
static inline const struct zvm_channel_record *zvm_channel(int32_t channel) {
  return (const struct zvm_channel_record *)zvm_manifest()->channels + channel;
}

/* The number of the channel with this alias, or -1. */
static inline int32_t zvm_find_channel(const char *alias) {
  int32_t channel;
  for (channel = 0; channel < zvm_manifest()->channel_count; ++channel) {
    const char *a = alias;
    const char *name = (const char *)zvm_channel(channel)->name;
    while (*a != 0 && *a == *name) {
      ++a;
      ++name;
    }
    if (*a == *name) return channel;
  }
  return -1;
}

#ifdef __cplusplus
}
#endif

#endif
