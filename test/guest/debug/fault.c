/* Faults in an inlined function; where and with which registers is what run.sh looks for. */
#include <stdio.h>

int *volatile nowhere;

static inline __attribute__((always_inline)) void Store(int *to, int value) {
  __asm__ volatile("movl $0x5eed, %%ebx" ::: "rbx");
  *to = value; /* FAULT */
}

static __attribute__((noinline)) void Fill(int *to, int count) {
  for (int i = 0; i < count; ++i) {
    Store(to + i, count); /* INLINED */
  }
}

int main(int argc, char **argv) {
  (void)argv;
  puts("before");
  Fill(nowhere, argc + 1);
  return 0;
}
