/* Order of writes and reads, which is why nothing can deadlock: every map writes its histogram
 * (small enough for the buffer of a link) before it reads the others'; after that maps only write
 * and reduces only read. */
#include "mapreduce.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
  PEERS_MAX = 1024,
  NAME_MAX_BYTES = 80,
  HISTOGRAM_BYTES_MAX = 16384, /* what a link buffers at least */
  SAMPLES_MAX = 512,
  CHUNK_BYTES = 10485760
};

static void Fail(const char *what) {
  fprintf(stderr, "mapreduce: %s\n", what);
  exit(1);
}

static void *Resize(void *memory, size_t size) {
  void *result = realloc(memory, size > 0 ? size : 1);
  if (result == NULL) Fail("no memory");
  return result;
}

/* ---- items: records one behind another, and an index to sort */

struct mr_items {
  char *bytes;
  size_t size, capacity;
  size_t count;
};

typedef struct {
  uint32_t key_size, value_size;
} record;

static void Reserve(mr_items *items, size_t more) {
  if (more <= items->capacity - items->size) return;
  items->capacity = (items->size + more) * 2;
  items->bytes = Resize(items->bytes, items->capacity);
}

void mr_emit(mr_items *out, const void *key, size_t key_size, const void *value,
             size_t value_size) {
  const record head = {(uint32_t)key_size, (uint32_t)value_size};
  Reserve(out, sizeof head + key_size + value_size);
  char *at = out->bytes + out->size;
  memcpy(at, &head, sizeof head);
  memcpy(at + sizeof head, key, key_size);
  memcpy(at + sizeof head + key_size, value, value_size);
  out->size += sizeof head + key_size + value_size;
  ++out->count;
}

/* The items as an array, the caller's to free. They point into `items`. */
static mr_item *Index(const mr_items *items) {
  mr_item *index = Resize(NULL, items->count * sizeof *index);
  const char *at = items->bytes;
  for (size_t i = 0; i < items->count; ++i) {
    record head;
    memcpy(&head, at, sizeof head);
    const char *key = at + sizeof head;
    index[i] = (mr_item){key, key + head.key_size, head.key_size, head.value_size};
    at = key + head.key_size + head.value_size;
  }
  return index;
}

static int (*compare_keys)(const mr_item *a, const mr_item *b);

static int CompareBytes(const mr_item *a, const mr_item *b) {
  const uint32_t size = a->key_size < b->key_size ? a->key_size : b->key_size;
  const int order = memcmp(a->key, b->key, size);
  if (order != 0) return order;
  return a->key_size < b->key_size ? -1 : a->key_size > b->key_size;
}

/* Equal keys keep the order in which they were emitted. */
static int CompareItems(const void *a, const void *b) {
  const mr_item *x = a, *y = b;
  const int order = compare_keys(x, y);
  if (order != 0) return order;
  return x->key < y->key ? -1 : x->key > y->key;
}

/* Sorts, and combines equal keys. `items` is emptied and filled again. */
static void SortAndCombine(const mr_job *job, mr_items *items) {
  mr_item *index = Index(items);
  qsort(index, items->count, sizeof *index, CompareItems);
  mr_items sorted = {0};
  for (size_t from = 0, to; from < items->count; from = to) {
    to = from + 1;
    if (job->combine != NULL) {
      while (to < items->count && compare_keys(&index[from], &index[to]) == 0) ++to;
    }
    if (to - from > 1) {
      job->combine(index + from, to - from, &sorted);
    } else {
      const mr_item *item = &index[from];
      mr_emit(&sorted, item->key, item->key_size, item->value, item->value_size);
    }
  }
  free(index);
  free(items->bytes);
  *items = sorted;
}

/* ---- peers: the nodes at the other ends of /dev/in and /dev/out */

typedef struct {
  char names[PEERS_MAX][NAME_MAX_BYTES];
  int fds[PEERS_MAX];
  size_t count;
} peers;

static unsigned long NumberOf(const char *name) {
  const char *dash = strrchr(name, '-');
  return dash == NULL ? 0 : strtoul(dash + 1, NULL, 10);
}

static int CompareNames(const void *a, const void *b) {
  const unsigned long x = NumberOf(a), y = NumberOf(b);
  return x != y ? (x < y ? -1 : 1) : strcmp(a, b);
}

static peers *OpenPeers(const char *folder, const char *prefix, int flags) {
  peers *found = calloc(1, sizeof *found);
  if (found == NULL) Fail("no memory");
  DIR *dir = opendir(folder);
  for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
    if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0) continue;
    if (found->count == PEERS_MAX || strlen(entry->d_name) >= NAME_MAX_BYTES) Fail("peers");
    strcpy(found->names[found->count++], entry->d_name);
  }
  if (dir != NULL) closedir(dir);
  qsort(found->names, found->count, sizeof found->names[0], CompareNames);
  for (size_t i = 0; i < found->count; ++i) {
    char path[NAME_MAX_BYTES + 16];
    snprintf(path, sizeof path, "%s/%s", folder, found->names[i]);
    found->fds[i] = open(path, flags);
    if (found->fds[i] < 0) Fail(path);
  }
  return found;
}

static void Send(int fd, const void *bytes, size_t size) {
  for (const char *at = bytes; size > 0;) {
    const ssize_t done = write(fd, at, size);
    if (done <= 0) Fail("write to a peer");
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

/* ---- histogram: every map learns the same ranges, one a reduce, without a coordinator */

typedef struct {
  mr_item key;
  uint64_t weight; /* items that the sample stands for */
} sample;

typedef struct {
  uint32_t size, count;
  uint64_t weight;
} histogram_head;

static int CompareSamples(const void *a, const void *b) {
  return compare_keys(&((const sample *)a)->key, &((const sample *)b)->key);
}

static void SendHistogram(const mr_items *items, const peers *maps, mr_items *own,
                          histogram_head *head) {
  mr_item *index = Index(items);
  const size_t step = items->count / SAMPLES_MAX + 1;
  for (size_t i = step / 2; i < items->count; i += step) {
    const mr_item *item = &index[i];
    if (own->size + sizeof(record) + item->key_size > HISTOGRAM_BYTES_MAX) break;
    mr_emit(own, item->key, item->key_size, "", 0);
  }
  free(index);
  *head = (histogram_head){(uint32_t)own->size, (uint32_t)own->count,
                           own->count > 0 ? items->count / own->count : 0};
  for (size_t i = 0; i < maps->count; ++i) {
    Send(maps->fds[i], head, sizeof *head);
    Send(maps->fds[i], own->bytes, own->size);
  }
}

static sample *AddSamples(sample *all, size_t *count, const mr_items *items, uint64_t weight) {
  all = Resize(all, (*count + items->count) * sizeof *all);
  mr_item *index = Index(items);
  for (size_t i = 0; i < items->count; ++i) all[(*count)++] = (sample){index[i], weight};
  free(index);
  return all;
}

/* The upper key of each range but the last. Fewer than `ranges` - 1 when there are few keys. */
static size_t AgreeOnDividers(const mr_items *items, const peers *to, const peers *from,
                              size_t ranges, mr_item *dividers) {
  mr_items own = {0};
  histogram_head head;
  SendHistogram(items, to, &own, &head);
  size_t count = 0;
  sample *all = AddSamples(NULL, &count, &own, head.weight);
  for (size_t i = 0; i < from->count; ++i) {
    Receive(from->fds[i], &head, sizeof head);
    if (head.size > HISTOGRAM_BYTES_MAX) Fail("histogram");
    mr_items theirs = {.size = head.size, .count = head.count};
    theirs.bytes = Resize(NULL, head.size); /* the dividers point into it */
    Receive(from->fds[i], theirs.bytes, head.size);
    all = AddSamples(all, &count, &theirs, head.weight);
  }
  qsort(all, count, sizeof *all, CompareSamples);
  uint64_t total = 0, sum = 0;
  for (size_t i = 0; i < count; ++i) total += all[i].weight;
  size_t made = 0;
  for (size_t i = 0; i < count && made + 1 < ranges; ++i) {
    sum += all[i].weight;
    while (made + 1 < ranges && sum * ranges >= total * (made + 1)) dividers[made++] = all[i].key;
  }
  free(all);
  return made;
}

/* ---- map and reduce */

typedef struct {
  int32_t size, is_last, count;
} packet_head;

static void Shuffle(const mr_items *items, bool is_last, const mr_item *dividers, size_t made,
                    const peers *reduces) {
  mr_item *index = Index(items);
  size_t from = 0;
  for (size_t i = 0; i < reduces->count; ++i) {
    size_t to = from;
    if (i < made) {
      while (to < items->count && compare_keys(&index[to], &dividers[i]) <= 0) ++to;
    } else if (i + 1 == reduces->count) {
      to = items->count;
    }
    const char *begin = from < items->count ? (const char *)index[from].key - sizeof(record)
                                            : items->bytes + items->size;
    const char *end = to < items->count ? (const char *)index[to].key - sizeof(record)
                                        : items->bytes + items->size;
    const packet_head head = {(int32_t)(sizeof head - sizeof head.size + (size_t)(end - begin)),
                              is_last, (int32_t)(to - from)};
    Send(reduces->fds[i], &head, sizeof head);
    Send(reduces->fds[i], begin, (size_t)(end - begin));
    from = to;
  }
  free(index);
}

static int RunMap(const mr_job *job, const char *map_name, const char *reduce_name) {
  const char *text = getenv("MAP_CHUNK_SIZE");
  const size_t chunk = text != NULL ? strtoul(text, NULL, 10) : CHUNK_BYTES;
  if (chunk == 0) Fail("MAP_CHUNK_SIZE");
  peers *to = OpenPeers("/dev/out", map_name, O_WRONLY);
  peers *from = OpenPeers("/dev/in", map_name, O_RDONLY);
  peers *reduces = OpenPeers("/dev/out", reduce_name, O_WRONLY);
  if (reduces->count == 0) Fail("no reduce node");
  mr_item *dividers = Resize(NULL, reduces->count * sizeof *dividers);
  size_t made = 0, carried = 0;
  char *data = NULL;
  bool is_last = false;
  for (bool is_first = true; !is_last; is_first = false) {
    data = Resize(data, carried + chunk);
    size_t fresh = 0;
    for (ssize_t got; fresh < chunk && (got = read(0, data + carried + fresh, chunk - fresh)) > 0;)
      fresh += (size_t)got;
    is_last = fresh < chunk;
    mr_items items = {0};
    const size_t used = job->map(data, carried + fresh, is_last, &items);
    if (used > carried + fresh) Fail("map used more than there is");
    carried += fresh - used;
    memmove(data, data + used, carried);
    SortAndCombine(job, &items);
    if (is_first) made = AgreeOnDividers(&items, to, from, reduces->count, dividers);
    Shuffle(&items, is_last, dividers, made, reduces);
    free(items.bytes);
  }
  return 0;
}

static int RunReduce(const mr_job *job, const char *map_name) {
  peers *maps = OpenPeers("/dev/in", map_name, O_RDONLY);
  bool *is_over = calloc(maps->count + 1, sizeof *is_over);
  if (is_over == NULL) Fail("no memory");
  mr_items all = {0};
  for (size_t active = maps->count; active > 0;) {
    for (size_t i = 0; i < maps->count; ++i) {
      if (is_over[i]) continue;
      packet_head head;
      Receive(maps->fds[i], &head, sizeof head);
      const size_t size = (size_t)head.size - (sizeof head - sizeof head.size);
      Reserve(&all, size);
      Receive(maps->fds[i], all.bytes + all.size, size);
      all.size += size;
      all.count += (size_t)head.count;
      is_over[i] = head.is_last;
      active -= head.is_last != 0;
    }
    if (job->combine != NULL) SortAndCombine(job, &all);
  }
  if (job->combine == NULL) SortAndCombine(job, &all);
  mr_item *index = Index(&all);
  job->reduce(index, all.count);
  return 0;
}

int mr_main(const mr_job *job) {
  compare_keys = job->compare != NULL ? job->compare : CompareBytes;
  const char *node = getenv("ZVM_NODE");
  const char *map_name = getenv("MAP_NAME");
  const char *reduce_name = getenv("REDUCE_NAME");
  if (map_name == NULL) map_name = "map";
  if (reduce_name == NULL) reduce_name = "red";
  if (node == NULL) Fail("ZVM_NODE is not set: this is a program for a node of a graph");
  if (strncmp(node, map_name, strlen(map_name)) == 0) return RunMap(job, map_name, reduce_name);
  return RunReduce(job, map_name);
}
