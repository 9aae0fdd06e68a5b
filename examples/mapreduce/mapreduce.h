/* Map/reduce over the channels of a job's nodes. A program gives four functions; this library
 * reads stdin in pieces, sorts, agrees with the other map nodes on ranges of keys, and moves
 * items.
 *
 * Who is who: the node's name (ZVM_NODE) begins with MAP_NAME ("map") or REDUCE_NAME ("red"). Map
 * nodes are connected to each other and to every reduce node: {"connect": ["map", "red"]}. */
#ifndef ZVM_MAPREDUCE_H
#define ZVM_MAPREDUCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
  const void *key;
  const void *value;
  uint32_t key_size;   /* bytes */
  uint32_t value_size; /* bytes */
} mr_item;

typedef struct mr_items mr_items;

/* Copies both. Ends the program when there is no memory. */
void mr_emit(mr_items *out, const void *key, size_t key_size, const void *value,
             size_t value_size);

typedef struct {
  /* Looks at `size` bytes of the input, emits items, says how many bytes it has used; the rest
   * comes again in front of the next piece. Must use everything when `is_last`. */
  size_t (*map)(const char *data, size_t size, bool is_last, mr_items *out);
  /* Emits what stands for `count` (> 1) items of one key. NULL: items are kept as they are. */
  void (*combine)(const mr_item *items, size_t count, mr_items *out);
  /* Writes the result of a reduce node: all its items, sorted. */
  void (*reduce)(const mr_item *items, size_t count);
  /* Order of keys, as memcmp. NULL: bytes. */
  int (*compare)(const mr_item *a, const mr_item *b);
} mr_job;

/* Runs this node's part. Returns the exit code of the program. The size of a piece in bytes is
 * MAP_CHUNK_SIZE (10 MiB). */
int mr_main(const mr_job *job);

#endif
