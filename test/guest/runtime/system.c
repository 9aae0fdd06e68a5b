/* Clock, randomness, memory, setjmp, processes and users: what a session gives and what it refuses.
 */
#include <grp.h>
#include <math.h>
#include <poll.h>
#include <pwd.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

static jmp_buf jump;
static volatile int caught;

static void Clock(void) {
  struct timeval a, b;
  CHECK(gettimeofday(&a, NULL) == 0 && gettimeofday(&b, NULL) == 0);
  CHECK(a.tv_sec == 1400000000 && b.tv_usec == a.tv_usec + 1);
  CHECK(sleep(10) == 0 && time(NULL) == 1400000010);
  struct timespec t = {.tv_sec = 0, .tv_nsec = 500000000};
  CHECK(nanosleep(&t, NULL) == 0 && clock_gettime(CLOCK_REALTIME, &t) == 0);
  CHECK(t.tv_sec == 1400000010 && t.tv_nsec >= 500000000);
  t.tv_nsec = 1000000000;
  CHECK_ERRNO(nanosleep(&t, NULL), EINVAL);
  time_t now = 1400000000;
  char text[64];
  CHECK(strftime(text, sizeof text, "%F %T", gmtime(&now)) == 19);
  CHECK(strcmp(text, "2014-05-13 16:53:20") == 0);
}

static void Memory(void) {
  char *block[64];
  for (int i = 0; i < 64; ++i) {
    block[i] = malloc(100000 + i);
    CHECK(block[i] != NULL && (unsigned)block[i] % 16 == 0);
    memset(block[i], i, 100000);
  }
  for (int i = 0; i < 64; ++i) {
    CHECK(block[i][99999] == i);
    free(block[i]);
  }
  char *zeroed = calloc(3000000, 1);
  for (int i = 0; i < 3000000; i += 997) CHECK(zeroed[i] == 0);
  free(zeroed);
  errno = 0;
  volatile size_t too_much = 0xF0000000u;
  CHECK(malloc(too_much) == NULL && errno == ENOMEM);
  void *aligned = NULL;
  CHECK(posix_memalign(&aligned, 4096, 10) == 0 && (unsigned)aligned % 4096 == 0);
  CHECK(posix_memalign(&aligned, 24, 10) == EINVAL);
}

static void OnSignal(int number) { caught = number; }

static void Processes(void) {
  CHECK_ERRNO(fork(), ENOSYS);
  CHECK_ERRNO(execl("/bin/true", "true", NULL), ENOSYS);
  CHECK_ERRNO(kill(4711, SIGTERM), ESRCH);
  CHECK(signal(SIGUSR1, OnSignal) != SIG_ERR && raise(SIGUSR1) == 0 && caught == SIGUSR1);
  CHECK(getpid() == 1 && getuid() == 7);
  CHECK(getpwuid(getuid()) != NULL && strcmp(getpwuid(getuid())->pw_dir, "/home/user") == 0);
  CHECK(getpwuid(12345) == NULL);
  struct utsname name;
  CHECK(uname(&name) == 0 && strcmp(name.nodename, "zvm") == 0);
  char cwd[64];
  CHECK(getcwd(cwd, sizeof cwd) != NULL && strcmp(cwd, "/home/user") == 0);
  struct pollfd fds[1] = {{.fd = 0, .events = POLLIN | POLLOUT}};
  CHECK(poll(fds, 1, 0) == 1 && fds[0].revents == POLLIN);
  CHECK_ERRNO((int)lseek(0, 0, SEEK_CUR), ESPIPE); /* a sequential channel, like a pipe */
}

static int Jump(int depth) {
  volatile char pad[64];
  pad[3] = (char)depth;
  if (depth == 0) longjmp(jump, 42);
  return depth > 100 ? 0 : Jump(depth - 1) + pad[3];
}

static void Arithmetic(void) {
  char text[128];
  snprintf(text, sizeof text, "%.17g|%a|%e|%lld|%zu|%10.3f|%Lg", 0.1, 1.5, 12345.678,
           -9223372036854775807LL, sizeof(void *), 3.14159, 2.5L);
  CHECK(strcmp(text,
               "0.10000000000000001|0x1.8p+0|1.234568e+04|-9223372036854775807|4|     3.142|2.5") ==
        0);
  CHECK(strtod("1e308", NULL) * 10 == INFINITY && isnan(sqrt(-1.0)) &&
        fabs(sin(1) - 0.8414709848) < 1e-9);
  const __int128 product = (__int128)0x123456789abcdefLL * 0x1000000000LL;
  CHECK((long long)(product / 0x1000000000LL) == 0x123456789abcdefLL);
}

int main(int argc, char **argv) {
  CHECK(argc == 4 && strcmp(argv[1], "two words") == 0 && strcmp(argv[2], "a,b") == 0 &&
        argv[3][0] == 0);
  CHECK(getenv("LIST") != NULL && strcmp(getenv("LIST"), "1,2,3") == 0);
  Clock();
  Memory();
  Processes();
  const int value = setjmp(jump);
  if (value == 0) Jump(5);
  CHECK(value == 42);
  Arithmetic();
  unsigned char bytes[32];
  CHECK(getrandom(bytes, sizeof bytes, 0) == 32);
  CHECK_ERRNO(getentropy(bytes, 257), EIO);
  return failures;
}
