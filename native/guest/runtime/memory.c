/* memcpy, memmove, memset, memcmp, memchr, strlen and strcmp with 16-byte vectors (large operands
 * with 32, memory_wide.c, where the processor can): newlib's C versions move 4 bytes at a time
 * here. Unaligned accesses only; nothing is read outside the operands except by strlen and memchr,
 * which read whole aligned vectors and so never cross into another page. */
#include <emmintrin.h>
#include <stdint.h>
#include <string.h>

#include "memory_wide.h"

typedef __m128i vector;
enum { V = sizeof(vector) };

static inline vector Load(const void *from) { return _mm_loadu_si128(from); }
static inline void Store(void *to, vector value) { _mm_storeu_si128(to, value); }

/* Up to 32 bytes, all loads before all stores: right for any overlap. */
static inline void MoveSmall(unsigned char *to, const unsigned char *from, size_t size) {
  if (size >= V) {
    const vector head = Load(from);
    const vector tail = Load(from + size - V);
    Store(to, head);
    Store(to + size - V, tail);
  } else if (size >= 8) {
    uint64_t head, tail;
    __builtin_memcpy(&head, from, 8);
    __builtin_memcpy(&tail, from + size - 8, 8);
    __builtin_memcpy(to, &head, 8);
    __builtin_memcpy(to + size - 8, &tail, 8);
  } else if (size >= 4) {
    uint32_t head, tail;
    __builtin_memcpy(&head, from, 4);
    __builtin_memcpy(&tail, from + size - 4, 4);
    __builtin_memcpy(to, &head, 4);
    __builtin_memcpy(to + size - 4, &tail, 4);
  } else if (size != 0) {
    const unsigned char first = from[0], middle = from[size / 2], last = from[size - 1];
    to[0] = first;
    to[size / 2] = middle;
    to[size - 1] = last;
  }
}

static inline void Copy64(unsigned char *to, const unsigned char *from) {
  const vector a = Load(from), b = Load(from + V), c = Load(from + 2 * V), d = Load(from + 3 * V);
  Store(to, a);
  Store(to + V, b);
  Store(to + 2 * V, c);
  Store(to + 3 * V, d);
}

/* For size > 2 * V and to below from, or no overlap. */
static void MoveForward(unsigned char *to, const unsigned char *from, size_t size) {
  const vector tail = Load(from + size - V);
  unsigned char *const last = to + size - V;
  for (; size >= 4 * V; size -= 4 * V, from += 4 * V, to += 4 * V) Copy64(to, from);
  for (; size > V; size -= V, from += V, to += V) Store(to, Load(from));
  Store(last, tail);
}

/* For size > 2 * V and to above from. */
static void MoveBackward(unsigned char *to, const unsigned char *from, size_t size) {
  const vector head = Load(from);
  for (; size >= 4 * V; size -= 4 * V) Copy64(to + size - 4 * V, from + size - 4 * V);
  for (; size > V; size -= V) Store(to + size - V, Load(from + size - V));
  Store(to, head);
}

void *memmove(void *target, const void *source, size_t size) {
  unsigned char *to = target;
  const unsigned char *from = source;
  if (size <= 2 * V) {
    MoveSmall(to, from, size);
  } else if (size >= ZVM_WIDE_MIN && (uintptr_t)to - (uintptr_t)from >= size &&
             (uintptr_t)from - (uintptr_t)to >= size && zvm_wide()) {
    zvm_wide_copy(to, from, size);
  } else if ((uintptr_t)to - (uintptr_t)from >= size) {
    MoveForward(to, from, size);
  } else {
    MoveBackward(to, from, size);
  }
  return target;
}

/* The same: what memmove asks in addition costs less than a second copy of the code. */
void *memcpy(void *restrict target, const void *restrict source, size_t size)
    __attribute__((alias("memmove")));

void *memset(void *target, int byte, size_t size) {
  unsigned char *to = target;
  const vector value = _mm_set1_epi8((char)byte);
  if (size < V) {
    const uint64_t word = (uint64_t)(unsigned char)byte * UINT64_C(0x0101010101010101);
    if (size >= 8) {
      __builtin_memcpy(to, &word, 8);
      __builtin_memcpy(to + size - 8, &word, 8);
    } else if (size >= 4) {
      __builtin_memcpy(to, &word, 4);
      __builtin_memcpy(to + size - 4, &word, 4);
    } else if (size != 0) {
      to[0] = to[size / 2] = to[size - 1] = (unsigned char)byte;
    }
    return target;
  }
  if (size >= ZVM_WIDE_MIN && zvm_wide()) {
    zvm_wide_fill(to, byte, size);
    return target;
  }
  Store(to, value);
  Store(to + size - V, value);
  unsigned char *const end = to + size;
  to += V - ((uintptr_t)to & (V - 1));
  for (; (size_t)(end - to) >= 4 * V && to < end; to += 4 * V) {
    _mm_store_si128((vector *)to, value);
    _mm_store_si128((vector *)(to + V), value);
    _mm_store_si128((vector *)(to + 2 * V), value);
    _mm_store_si128((vector *)(to + 3 * V), value);
  }
  for (; to < end && (size_t)(end - to) >= V; to += V) _mm_store_si128((vector *)to, value);
  return target;
}

static inline unsigned Differences(const unsigned char *a, const unsigned char *b) {
  return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(Load(a), Load(b))) ^ 0xffff;
}

static inline uint64_t BigEndian(const unsigned char *from, size_t size) {
  uint64_t word = 0;
  if (size >= 8) {
    __builtin_memcpy(&word, from, 8);
    return __builtin_bswap64(word);
  }
  __builtin_memcpy(&word, from, 4);
  return __builtin_bswap32((uint32_t)word);
}

static inline int Order(uint64_t a, uint64_t b) { return (a > b) - (a < b); }

/* Fewer bytes than a vector: two overlapping words. */
static inline int CompareSmall(const unsigned char *a, const unsigned char *b, size_t size) {
  if (size >= 4) {
    const size_t last = size - (size >= 8 ? 8 : 4);
    const int order = Order(BigEndian(a, size), BigEndian(b, size));
    return order != 0 ? order : Order(BigEndian(a + last, size), BigEndian(b + last, size));
  }
  for (; size != 0; --size, ++a, ++b) {
    if (*a != *b) return *a - *b;
  }
  return 0;
}

int memcmp(const void *left, const void *right, size_t size) {
  const unsigned char *a = left;
  const unsigned char *b = right;
  if (size < V) return CompareSmall(a, b, size);
  const unsigned char *const last = a + size - V; /* overlaps what is known to be equal */
  for (;;) {
    const unsigned differences = Differences(a, b);
    if (differences != 0) {
      const int at = __builtin_ctz(differences);
      return a[at] - b[at];
    }
    if (a == last) return 0;
    const size_t step = (size_t)(last - a) < V ? (size_t)(last - a) : V;
    a += step;
    b += step;
  }
}

/* True when 16 bytes from here lie in one page. */
static inline int InPage(const unsigned char *at) { return ((uintptr_t)at & 4095) <= 4096 - V; }

int strcmp(const char *left, const char *right) {
  const unsigned char *a = (const unsigned char *)left;
  const unsigned char *b = (const unsigned char *)right;
  const vector zero = _mm_setzero_si128();
  for (;; a += V, b += V) {
    if (InPage(a) && InPage(b)) {
      const unsigned ends = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(Load(a), zero));
      const unsigned stop = Differences(a, b) | ends;
      if (stop == 0) continue;
      const int at = __builtin_ctz(stop);
      return a[at] - b[at];
    }
    for (int i = 0; i < V; ++i) {
      if (a[i] != b[i] || a[i] == 0) return a[i] - b[i];
    }
  }
}

static inline unsigned Equal(const vector *at, vector wanted) {
  return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(*at, wanted));
}

/* The first `byte` from `at` on, up to the end of the vector that holds end[-1]; end NULL: there is
 * one somewhere. NULL when there is none. */
static const unsigned char *Find(const unsigned char *at, int byte, const unsigned char *end) {
  const vector wanted = _mm_set1_epi8((char)byte);
  const size_t before = (uintptr_t)at & (V - 1);
  const vector *aligned = (const vector *)(at - before);
  unsigned found = Equal(aligned, wanted) >> before << before;
  while (found == 0) {
    ++aligned;
    const size_t seen = (size_t)((const unsigned char *)aligned - at);
    if (end != NULL && (size_t)(end - at) <= seen) return NULL;
    if ((uintptr_t)aligned % ZVM_WIDE_BLOCK == 0 && seen >= ZVM_WIDE_BLOCK / 2 && zvm_wide()) {
      const unsigned char *blocks_end =
          end == NULL ? NULL : end + (-(uintptr_t)end & (ZVM_WIDE_BLOCK - 1));
      return zvm_wide_find((const unsigned char *)aligned, byte, blocks_end);
    }
    found = Equal(aligned, wanted);
  }
  return (const unsigned char *)aligned + __builtin_ctz(found);
}

void *memchr(const void *where, int byte, size_t size) {
  if (size == 0) return NULL;
  const unsigned char *at = where;
  const size_t room = -(uintptr_t)at;
  const unsigned char *match = Find(at, byte, size >= room ? (const unsigned char *)-1 : at + size);
  return match != NULL && (size_t)(match - at) < size ? (void *)match : NULL;
}

size_t strlen(const char *text) {
  const unsigned char *at = (const unsigned char *)text;
  return (size_t)(Find(at, 0, NULL) - at);
}
