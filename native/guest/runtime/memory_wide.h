/* The 32-byte parts of memory.c, for large operands. Callers ask zvm_wide() first. */
#ifndef ZVM_MEMORY_WIDE_H
#define ZVM_MEMORY_WIDE_H

#include <stdbool.h>
#include <stddef.h>

/* From this size on, the question and the change of vector width pay. */
enum { ZVM_WIDE_MIN = 256 };
/* What zvm_wide_find reads at once, aligned: never across a page. */
enum { ZVM_WIDE_BLOCK = 128 };

/* True when this processor has AVX2. On one that has not, the loader puts halts in place of the
 * instruction behind this label (docs/validator.md, Rewriting). So cpuid is not needed, no answer
 * is kept, and nothing in the memory of a session depends on the processor. */
extern const unsigned char zvm_wide_instruction[];
static inline bool zvm_wide(void) { return *zvm_wide_instruction != 0xf4; }

/* size >= ZVM_WIDE_MIN, no overlap. */
void zvm_wide_copy(unsigned char *to, const unsigned char *from, size_t size);

/* size >= ZVM_WIDE_MIN. */
void zvm_wide_fill(unsigned char *to, int byte, size_t size);

/* The first `byte` in the blocks from `at` to `end`, both multiples of ZVM_WIDE_BLOCK; NULL when
 * there is none. `end` NULL: there is one. */
const unsigned char *zvm_wide_find(const unsigned char *at, int byte, const unsigned char *end);

#endif
