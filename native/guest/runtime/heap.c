/* The heap of the user manifest: sbrk for malloc, mmap from malloc. The break starts behind the
 * program's data; everything up to the end of the heap is readable and writable already. */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zvm.h>

#include "vfs.h"

enum { PAGE = 65536 };

static uintptr_t heap_begin, heap_break, heap_end;
static uintptr_t heap_touched; /* memory above has never been given out: it is zero */

void zvm_heap_start(void) {
  const struct zvm_user_manifest *manifest = zvm_manifest();
  /* 8 behind a multiple of 16: the memory of malloc's first chunk is then aligned. Where it is not,
   * malloc's first growth loses those 8 bytes whenever it ends at a page, and fails. */
  heap_begin = ((manifest->heap_start + 7u) & ~(uintptr_t)15) + 8;
  heap_end = manifest->heap_start + manifest->heap_size_bytes;
  heap_break = heap_touched = heap_begin;
}

void *sbrk(ptrdiff_t change) {
  const uintptr_t old = heap_break;
  const bool fits = change >= 0 ? (uintptr_t)change <= heap_end - heap_break
                                : (uintptr_t)-change <= heap_break - heap_begin;
  if (!fits) {
    errno = ENOMEM;
    return (void *)-1;
  }
  heap_break += (uintptr_t)change;
  if (heap_break > old && old < heap_touched) { /* malloc expects new memory to be zero */
    const uintptr_t dirty = heap_break < heap_touched ? heap_break : heap_touched;
    memset((void *)old, 0, dirty - old);
  }
  if (heap_break > heap_touched) heap_touched = heap_break;
  return (void *)old;
}

int brk(void *address) {
  const uintptr_t wanted = (uintptr_t)address;
  if (wanted < heap_begin || wanted > heap_end) return (int)zvm_result(-ENOMEM);
  return sbrk((ptrdiff_t)(wanted - heap_break)) == (void *)-1 ? -1 : 0;
}

int posix_memalign(void **out, size_t alignment, size_t size) {
  if (alignment < sizeof(void *) || (alignment & (alignment - 1)) != 0) return EINVAL;
  void *memory = memalign(alignment, size);
  if (memory == NULL) return ENOMEM;
  *out = memory;
  return 0;
}

/* Every mapping, so that munmap knows what it frees. */
struct mapping {
  struct mapping *next;
  unsigned char *start;
  size_t size;
};
static struct mapping *mappings;

static int64_t CopyFile(int fd, unsigned char *to, size_t size, int64_t offset) {
  size_t done = 0;
  while (done < size) {
    const ssize_t got = pread(fd, to + done, size - done, offset + (int64_t)done);
    if (got < 0) return -errno;
    if (got == 0) break;
    done += (size_t)got;
  }
  return 0;
}

static int64_t Map(size_t size, int protection, int flags, int fd, off_t offset, void **out) {
  const int sharing = flags & (MAP_SHARED | MAP_PRIVATE);
  const bool anonymous = (flags & MAP_ANONYMOUS) != 0;
  if (size == 0 || (sharing != MAP_SHARED && sharing != MAP_PRIVATE)) return -EINVAL;
  if (offset < 0 || offset % 4096 != 0) return -EINVAL;
  if ((protection & PROT_EXEC) != 0) return -EPERM; /* zvm_jail makes code */
  if ((flags & MAP_FIXED) != 0) return -ENOTSUP;
  if (!anonymous) {
    const struct zvm_open *open = zvm_descriptor(fd);
    if (open == NULL) return -EBADF;
    if ((open->flags & O_ACCMODE) == O_WRONLY) return -EACCES;
    /* A private copy cannot write back. */
    if (sharing == MAP_SHARED && (protection & PROT_WRITE) != 0) return -ENODEV;
  }
  if (size > SIZE_MAX - PAGE) return -ENOMEM;
  size = (size + PAGE - 1) / PAGE * PAGE;
  struct mapping *mapping = malloc(sizeof *mapping);
  unsigned char *memory = mapping == NULL ? NULL : memalign(PAGE, size);
  int64_t error = memory == NULL ? -ENOMEM : 0;
  if (error == 0) {
    memset(memory, 0, size);
    if (!anonymous) error = CopyFile(fd, memory, size, offset);
  }
  if (error < 0) {
    free(memory);
    free(mapping);
    return error;
  }
  *mapping = (struct mapping){mappings, memory, size};
  mappings = mapping;
  *out = memory;
  return 0;
}

void *mmap(void *hint, size_t size, int protection, int flags, int fd, off_t offset) {
  (void)hint;
  void *memory = MAP_FAILED;
  return zvm_result(Map(size, protection, flags, fd, offset, &memory)) < 0 ? MAP_FAILED : memory;
}

/* Frees a whole mapping; a part of one stays until the rest goes too. */
int munmap(void *address, size_t size) {
  if (size == 0 || (uintptr_t)address % 4096 != 0) return (int)zvm_result(-EINVAL);
  size = (size + PAGE - 1) / PAGE * PAGE;
  for (struct mapping **at = &mappings; *at != NULL; at = &(*at)->next) {
    struct mapping *mapping = *at;
    if (mapping->start != address || mapping->size > size) continue;
    *at = mapping->next;
    free(mapping->start);
    free(mapping);
    break;
  }
  return 0;
}

int mprotect(void *address, size_t size, int protection) {
  (void)address, (void)size;
  return (int)zvm_result((protection & PROT_EXEC) != 0 ? -EPERM : 0);
}
int msync(void *address, size_t size, int flags) {
  (void)address, (void)size, (void)flags;
  return 0;
}
int madvise(void *address, size_t size, int advice) {
  (void)address, (void)size, (void)advice;
  return 0;
}
int mlock(const void *address, size_t size) {
  (void)address, (void)size;
  return 0;
}
int munlock(const void *address, size_t size) { return mlock(address, size); }

int getpagesize(void) { return PAGE; }

long zvm_heap_pages(bool free_only) {
  return (long)((heap_end - (free_only ? heap_break : heap_begin)) / PAGE);
}
