/* Waits until a debugger lets it go, then calls a function that the debugger stops in. */
#include <stdio.h>

volatile int released;
int answer = 40;

static __attribute__((noinline)) int Work(int step) {
  answer += step; /* BREAK */
  return answer;
}

int main(void) {
  puts("waiting");
  fflush(stdout);
  while (!released) continue;
  int total = Work(2); /* CALL */
  printf("answer %d\n", total);
  return 0;
}
