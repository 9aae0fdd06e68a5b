/* memcpy and its kin against their definitions: every small size, sizes around the change to wide
 * vectors, every alignment, overlaps, operands that end at the end of the heap. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

enum { kRoom = 2560, kEdge = 64 };

static unsigned char from[kRoom], to[kRoom], expected[kRoom];

/* Through pointers: the compiler has its own idea of these functions. */
static void *(*volatile copy)(void *, const void *, size_t) = memcpy;
static void *(*volatile move)(void *, const void *, size_t) = memmove;
static void *(*volatile fill)(void *, int, size_t) = memset;
static void *(*volatile find)(const void *, int, size_t) = memchr;
static size_t (*volatile length)(const char *) = strlen;
static int (*volatile compare)(const void *, const void *, size_t) = memcmp;
static int (*volatile compare_text)(const char *, const char *) = strcmp;

static int Sign(int value) { return (value > 0) - (value < 0); }

static size_t Size(size_t i) {
  static const size_t kSizes[] = {383, 384, 385, 511, 512, 513, 639, 640, 641, 1023, 1024, 1500};
  return i < 300 ? i : i - 300 < sizeof kSizes / sizeof *kSizes ? kSizes[i - 300] : 0;
}

static void Reset(void) {
  for (int i = 0; i < kRoom; ++i) {
    from[i] = (unsigned char)(i * 7 + i / 251 + 1) | 1;
    to[i] = expected[i] = (unsigned char)(i * 3);
  }
}

static int Differ(void) {
  for (int i = 0; i < kRoom; ++i) {
    if (to[i] != expected[i]) return 1;
  }
  return 0;
}

static void CopyAndFill(size_t size, size_t a, size_t b) {
  Reset();
  for (size_t i = 0; i < size; ++i) expected[b + i] = from[a + i];
  CHECK(copy(to + b, from + a, size) == to + b && !Differ());
  CHECK(compare(to + b, from + a, size) == 0);
  for (size_t at = 0; at < size; at = at * 2 + 1) {
    to[b + at] ^= 0x80; /* and the other way round behind it */
    if (at + 1 < size) to[b + at + 1] ^= (unsigned char)(from[a + at] ^ from[a + at + 1] ^ 0x80);
    const int sign = to[b + at] > from[a + at] ? 1 : -1;
    CHECK(Sign(compare(to + b, from + a, size)) == sign);
    CHECK(Sign(compare(from + a, to + b, size)) == -sign);
    CHECK(compare(to + b, from + a, at) == 0);
    to[b + at] = from[a + at];
    if (at + 1 < size) to[b + at + 1] = from[a + at + 1];
  }
  for (size_t i = 0; i < size; ++i) expected[a + i] = 0x5a;
  CHECK(fill(to + a, 0x35a, size) == to + a && !Differ());
}

static void Move(size_t size, size_t a, size_t b) {
  Reset();
  unsigned char kept[kRoom];
  for (size_t i = 0; i < size; ++i) kept[i] = to[a + i];
  for (size_t i = 0; i < size; ++i) expected[b + i] = kept[i];
  CHECK(move(to + b, to + a, size) == to + b && !Differ());
}

static void Find(size_t size, size_t a) {
  Reset();
  from[a + size] = 0; /* behind the operand */
  CHECK(find(from + a, 0, size) == NULL && length((char *)from + a) == size);
  if (size == 0) return;
  from[a + size - 1] = 0;
  CHECK(find(from + a, 0, size) == from + a + size - 1);
  CHECK(find(from + a, 0, (size_t)-1) == from + a + size - 1);
  from[a + size / 2] = 0;
  if (a > 0) from[a - 1] = 0; /* before it */
  CHECK(find(from + a, 0, size) == from + a + size / 2);
  CHECK(length((char *)from + a) == size / 2);
}

static void CompareText(size_t size, size_t a, size_t b) {
  Reset();
  for (size_t i = 0; i < size; ++i) to[b + i] = from[a + i];
  to[b + size] = from[a + size] = 0;
  to[b + size + 1] = (unsigned char)~from[a + size + 1];
  const char *left = (char *)from + a, *right = (char *)to + b;
  CHECK(compare_text(left, right) == 0);
  if (size == 0) return;
  to[b + size / 2] ^= 0x80;
  const int sign = from[a + size / 2] > to[b + size / 2] ? 1 : -1;
  CHECK(Sign(compare_text(left, right)) == sign && Sign(compare_text(right, left)) == -sign);
  to[b + size / 2] = 0;
  CHECK(compare_text(left, right) > 0 && compare_text(right, left) < 0);
}

/* The last bytes of the heap: nothing behind them may be read. */
static void Edge(void) {
  unsigned char *end = sbrk(0);
  const unsigned char *top = end;
  while (sbrk(1 << 20) != (void *)-1) top += 1 << 20;
  while (sbrk(4096) != (void *)-1) top += 4096;
  while (sbrk(1) != (void *)-1) top += 1;
  for (size_t size = 1; size <= 700; ++size) {
    unsigned char *at = (unsigned char *)top - size;
    fill(at, 'x', size);
    CHECK(find(at, 0, size) == NULL);
    copy(to, at, size);
    at[size - 1] = 0;
    CHECK(length((char *)at) == size - 1);
    CHECK(compare_text((char *)at, (char *)to) < 0);
    to[size - 1] = 0;
    CHECK(compare_text((char *)at, (char *)to) == 0 && compare(at, to, size) == 0);
  }
}

int main(void) {
  for (size_t i = 0; Size(i) != 0 || i == 0; ++i) {
    const size_t size = Size(i);
    for (size_t a = 0; a < kEdge; a += size < 300 ? 5 : 1) {
      for (size_t b = 0; b < kEdge; b += 7) {
        CopyAndFill(size, a, b);
        CompareText(size, a, b);
      }
      Move(size, a, (a * 13 + size) % 300);
      Move(size, a + size / 2, a);
      Move(size, a, a + size / 3);
      Move(size, a, a + 1);
      Find(size, a);
    }
  }
  Edge();
  return failures != 0;
}
