/* See memory_wide.h; compiled for AVX2. */
#include "memory_wide.h"

#include <immintrin.h>
#include <stdint.h>

typedef __m256i vector;
enum { V = sizeof(vector), BLOCK = 4 * V };
_Static_assert((int)BLOCK == (int)ZVM_WIDE_BLOCK, "one turn of the loop");

static inline vector Load(const void *from) { return _mm256_loadu_si256((const vector *)from); }
static inline vector LoadAligned(const void *from) {
  return _mm256_load_si256((const vector *)from);
}
static inline void Store(void *to, vector value) { _mm256_storeu_si256((vector *)to, value); }
static inline void StoreAligned(void *to, vector value) {
  _mm256_store_si256((vector *)to, value);
}

__asm__(
    "\t.text\n"
    "\t.globl zvm_wide_instruction\n"
    "zvm_wide_instruction:\n"
    "\tvpabsd %ymm0,%ymm0\n");

void zvm_wide_copy(unsigned char *to, const unsigned char *from, size_t size) {
  const vector t0 = Load(from + size - V), t1 = Load(from + size - 2 * V);
  const vector t2 = Load(from + size - 3 * V), t3 = Load(from + size - 4 * V);
  unsigned char *const end = to + size;
  /* Aligned stores: the first vector overlaps the second. */
  Store(to, Load(from));
  const size_t skip = V - ((uintptr_t)to & (V - 1));
  to += skip;
  from += skip;
  for (size_t blocks = (size - skip) / BLOCK; blocks != 0; --blocks, to += BLOCK, from += BLOCK) {
    const vector a = Load(from), b = Load(from + V);
    const vector c = Load(from + 2 * V), d = Load(from + 3 * V);
    StoreAligned(to, a);
    StoreAligned(to + V, b);
    StoreAligned(to + 2 * V, c);
    StoreAligned(to + 3 * V, d);
  }
  Store(end - V, t0);
  Store(end - 2 * V, t1);
  Store(end - 3 * V, t2);
  Store(end - 4 * V, t3);
}

void zvm_wide_fill(unsigned char *to, int byte, size_t size) {
  const vector value = _mm256_set1_epi8((char)byte);
  unsigned char *const end = to + size;
  Store(to, value);
  for (int i = 1; i <= 4; ++i) Store(end - i * V, value);
  const size_t skip = V - ((uintptr_t)to & (V - 1));
  to += skip;
  for (size_t blocks = (size - skip) / BLOCK; blocks != 0; --blocks, to += BLOCK) {
    StoreAligned(to, value);
    StoreAligned(to + V, value);
    StoreAligned(to + 2 * V, value);
    StoreAligned(to + 3 * V, value);
  }
}

static inline unsigned Mask(vector equal) { return (unsigned)_mm256_movemask_epi8(equal); }

const unsigned char *zvm_wide_find(const unsigned char *at, int byte, const unsigned char *end) {
  const vector wanted = _mm256_set1_epi8((char)byte);
  for (; at != end; at += BLOCK) {
    const vector a = _mm256_cmpeq_epi8(LoadAligned(at), wanted);
    const vector b = _mm256_cmpeq_epi8(LoadAligned(at + V), wanted);
    const vector c = _mm256_cmpeq_epi8(LoadAligned(at + 2 * V), wanted);
    const vector d = _mm256_cmpeq_epi8(LoadAligned(at + 3 * V), wanted);
    const vector any = _mm256_or_si256(_mm256_or_si256(a, b), _mm256_or_si256(c, d));
    if (_mm256_testz_si256(any, any)) continue;
    const uint64_t low = Mask(a) | (uint64_t)Mask(b) << 32;
    if (low != 0) return at + __builtin_ctzll(low);
    return at + 2 * V + __builtin_ctzll(Mask(c) | (uint64_t)Mask(d) << 32);
  }
  return NULL;
}
