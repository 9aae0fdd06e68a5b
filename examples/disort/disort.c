/* Distributed sort of 32-bit numbers, 21 nodes, one program: `man` (1) finds the ranges, every
 * `src` (10) sorts its part and deals it out, every `dst` (10) merges one range and writes it.
 *
 *   man ── candidates ─► src ── sorted runs ─► dst ── count, sum ─► man
 *    ▲◄── counts below ───┘
 *
 * Ranges are exact: man bisects on the values with all sources answering, so that every dst gets
 * the same number of values (the numbers are distinct), whatever their distribution. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PEERS_MAX = 64, SUM_MODULUS = 10000000, BITS = 32 };

static void Fail(const char *what) {
  fprintf(stderr, "disort: %s\n", what);
  exit(1);
}

static void *Allocate(size_t size) {
  void *memory = malloc(size > 0 ? size : 1);
  if (memory == NULL) Fail("no memory");
  return memory;
}

static void Send(int fd, const void *bytes, size_t size) {
  for (const char *at = bytes; size > 0;) {
    const ssize_t done = write(fd, at, size);
    if (done <= 0) Fail("write");
    at += done;
    size -= (size_t)done;
  }
}

static void Receive(int fd, void *bytes, size_t size) {
  for (char *at = bytes; size > 0;) {
    const ssize_t done = read(fd, at, size);
    if (done <= 0) Fail("a peer has ended early");
    at += done;
    size -= (size_t)done;
  }
}

/* Opens FOLDER/NAME-1, FOLDER/NAME-2, …; says how many there are. */
static int OpenGroup(const char *folder, const char *name, int flags, int *fds) {
  int count = 0;
  for (char path[80]; count < PEERS_MAX; ++count) {
    snprintf(path, sizeof path, "%s/%s-%d", folder, name, count + 1);
    fds[count] = open(path, flags);
    if (fds[count] < 0) break;
  }
  if (count == 0) Fail(name);
  return count;
}

static int OpenOne(const char *path, int flags) {
  const int fd = open(path, flags);
  if (fd < 0) Fail(path);
  return fd;
}

static int CompareValues(const void *a, const void *b) {
  const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return x < y ? -1 : x > y;
}

static uint32_t *ReadAll(size_t *count) {
  size_t capacity = 1 << 20, size = 0;
  char *bytes = Allocate(capacity);
  for (ssize_t got; (got = read(0, bytes + size, capacity - size)) > 0;) {
    size += (size_t)got;
    if (size == capacity && (bytes = realloc(bytes, capacity *= 2)) == NULL) Fail("no memory");
  }
  *count = size / sizeof(uint32_t);
  return (uint32_t *)bytes;
}

/* Values that are at most `limit`. */
static uint32_t CountUpTo(const uint32_t *sorted, size_t count, uint32_t limit) {
  size_t low = 0, high = count;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (sorted[middle] <= limit) low = middle + 1;
    else high = middle;
  }
  return (uint32_t)low;
}

/* A range's summary, and a node's report to man. */
typedef struct {
  uint32_t count;
  uint32_t sum; /* of the values, modulo SUM_MODULUS */
} summary;

static summary Summarise(const uint32_t *values, size_t count) {
  uint64_t sum = 0;
  for (size_t i = 0; i < count; ++i) sum += values[i];
  return (summary){(uint32_t)count, (uint32_t)(sum % SUM_MODULUS)};
}

static void RunSource(int number) {
  int dst[PEERS_MAX];
  const int ranges = OpenGroup("/dev/out", "dst", O_WRONLY, dst);
  const int to_man = OpenOne("/dev/out/man", O_WRONLY);
  const int from_man = OpenOne("/dev/in/man", O_RDONLY);
  size_t count;
  uint32_t *values = ReadAll(&count);
  qsort(values, count, sizeof *values, CompareValues);
  const summary whole = Summarise(values, count);
  Send(to_man, &whole, sizeof whole);
  uint32_t limits[PEERS_MAX], counts[PEERS_MAX] = {0};
  for (int bit = 0; bit <= BITS; ++bit) { /* the last answer fixes the ranges */
    Receive(from_man, limits, sizeof *limits * (size_t)ranges);
    for (int i = 0; i < ranges; ++i) counts[i] = CountUpTo(values, count, limits[i]);
    Send(to_man, counts, sizeof *counts * (size_t)ranges);
  }
  /* Source i begins with destination i, so that all pairs move at once. */
  for (int step = 0; step < ranges; ++step) {
    const int i = (number + step) % ranges;
    const uint32_t from = i == 0 ? 0 : counts[i - 1];
    const uint32_t length = counts[i] - from;
    Send(dst[i], &length, sizeof length);
    Send(dst[i], values + from, length * sizeof *values);
  }
}

/* Smallest limits below which there are k/n of all values. */
static void RunManager(void) {
  int to_src[PEERS_MAX], from_src[PEERS_MAX], from_dst[PEERS_MAX];
  const int sources = OpenGroup("/dev/out", "src", O_WRONLY, to_src);
  OpenGroup("/dev/in", "src", O_RDONLY, from_src);
  const int ranges = OpenGroup("/dev/in", "dst", O_RDONLY, from_dst);
  uint64_t total = 0, expected_sum = 0;
  for (int s = 0; s < sources; ++s) {
    summary part;
    Receive(from_src[s], &part, sizeof part);
    total += part.count;
    expected_sum += part.sum;
  }
  uint32_t low[PEERS_MAX] = {0}, high[PEERS_MAX], middle[PEERS_MAX];
  for (int i = 0; i < ranges; ++i) high[i] = UINT32_MAX;
  for (int bit = 0; bit <= BITS; ++bit) {
    uint64_t below[PEERS_MAX] = {0};
    for (int i = 0; i < ranges; ++i) middle[i] = low[i] + (high[i] - low[i]) / 2;
    for (int s = 0; s < sources; ++s) {
      uint32_t counts[PEERS_MAX];
      Send(to_src[s], middle, sizeof *middle * (size_t)ranges);
      Receive(from_src[s], counts, sizeof *counts * (size_t)ranges);
      for (int i = 0; i < ranges; ++i) below[i] += counts[i];
    }
    for (int i = 0; i < ranges; ++i) {
      if (below[i] * (uint64_t)ranges >= total * (uint64_t)(i + 1)) high[i] = middle[i];
      else low[i] = middle[i] + 1;
    }
  }
  uint64_t count = 0, sum = 0;
  for (int i = 0; i < ranges; ++i) {
    summary part;
    Receive(from_dst[i], &part, sizeof part);
    count += part.count;
    sum += part.sum;
  }
  printf("Distributed sort complete, Test 1, %llu, %llu\n", (unsigned long long)count,
         (unsigned long long)total);
  const int is_right = count == total && sum % SUM_MODULUS == expected_sum % SUM_MODULUS;
  puts(is_right ? "crc OK" : "crc WRONG");
  if (!is_right) exit(1);
}

/* Merges neighbouring runs until one is left. `ends[i]`: where run i ends. */
static uint32_t *Merge(uint32_t *values, uint32_t *spare, size_t *ends, int runs) {
  while (runs > 1) {
    int made = 0;
    size_t begin = 0;
    for (int run = 0; run < runs; run += 2) {
      const size_t middle = ends[run], end = run + 1 < runs ? ends[run + 1] : middle;
      size_t a = begin, b = middle;
      for (size_t i = begin; i < end; ++i)
        spare[i] = b == end || (a < middle && values[a] <= values[b]) ? values[a++] : values[b++];
      ends[made++] = begin = end;
    }
    uint32_t *merged = spare;
    spare = values;
    values = merged;
    runs = made;
  }
  return values;
}

static void RunDestination(int number) {
  int src[PEERS_MAX];
  const int sources = OpenGroup("/dev/in", "src", O_RDONLY, src);
  const int to_man = OpenOne("/dev/out/man", O_WRONLY);
  size_t ends[PEERS_MAX], count = 0;
  uint32_t *values = NULL;
  for (int step = 0; step < sources; ++step) {
    const int s = (number - step % sources + sources) % sources;
    uint32_t length;
    Receive(src[s], &length, sizeof length);
    values = realloc(values, (count + length + 1) * sizeof *values);
    if (values == NULL) Fail("no memory");
    Receive(src[s], values + count, length * sizeof *values);
    ends[step] = count += length;
  }
  uint32_t *sorted = Merge(values, Allocate(count * sizeof *values), ends, sources);
  Send(1, sorted, count * sizeof *sorted);
  const summary part = Summarise(sorted, count);
  Send(to_man, &part, sizeof part);
}

int main(void) {
  const char *node = getenv("ZVM_NODE");
  if (node == NULL) Fail("ZVM_NODE is not set");
  const char *dash = strrchr(node, '-');
  const int number = dash == NULL ? 0 : atoi(dash + 1) - 1;
  if (strncmp(node, "src", 3) == 0) RunSource(number);
  else if (strncmp(node, "dst", 3) == 0) RunDestination(number);
  else RunManager();
  return 0;
}
