/* Everything whose result could come from the host: clock, randomness, addresses, order of names,
 * uninitialised memory, floating point, errno texts, what limits and identities say. Prints digests
 * and leaves traces in its memory, which the session's memory etag covers. */
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

static uint64_t digest = 0xcbf29ce484222325u;

static void Add(const void *bytes, size_t size) {
  for (size_t i = 0; i < size; ++i) {
    digest = (digest ^ ((const unsigned char *)bytes)[i]) * 0x100000001b3u;
  }
}

static void AddText(const char *text) { Add(text, strlen(text)); }

static void Tell(const char *what) { printf("%s %016llx\n", what, (unsigned long long)digest); }

static void Clocks(void) {
  for (int i = 0; i < 100; ++i) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    Add(&now, sizeof now);
    clock_gettime(CLOCK_REALTIME, &now);
    Add(&now, sizeof now);
    const clock_t used = clock();
    Add(&used, sizeof used);
    struct rusage usage = {0};
    getrusage(RUSAGE_SELF, &usage);
    Add(&usage, sizeof usage);
  }
  time_t now = time(NULL);
  AddText(ctime(&now));
  Tell("clocks");
}

static void Randomness(void) {
  unsigned char bytes[4096];
  if (getrandom(bytes, sizeof bytes, 0) == sizeof bytes) Add(bytes, sizeof bytes);
  FILE *file = fopen("/dev/urandom", "rb");
  if (file != NULL && fread(bytes, 1, sizeof bytes, file) == sizeof bytes) Add(bytes, sizeof bytes);
  if (file != NULL) fclose(file);
  for (int i = 0; i < 100; ++i) {
    const int number = rand();
    Add(&number, sizeof number);
  }
  Tell("randomness");
}

/* Addresses of everything, and memory as malloc hands it out. */
static void Memory(void) {
  static char *blocks[512];
  unsigned seed = 1;
  for (int round = 0; round < 4000; ++round) {
    seed = seed * 1103515245 + 12345;
    char **block = &blocks[seed >> 16 & 511];
    if (*block != NULL) {
      free(*block);
      *block = NULL;
      continue;
    }
    const size_t size = (seed >> 8) % 5000 + 1;
    *block = malloc(size);
    if (*block == NULL) exit(2);
    Add(block, sizeof *block);
    Add(*block, size);
    memset(*block, round, size);
  }
  int local;
  const void *places[] = {&local, &digest, (void *)Memory, stdout, environ};
  Add(places, sizeof places);
  Tell("memory");
}

static void Files(void) {
  char name[300];
  for (int i = 0; i < 200; ++i) {
    snprintf(name, sizeof name, "/tmp/%x", i * 2654435761u);
    FILE *file = fopen(name, "w");
    if (file == NULL) exit(3);
    fprintf(file, "%d\n", i);
    fclose(file);
  }
  for (const char **folder = (const char *[]){"/", "/tmp", "/dev", NULL}; *folder != NULL; ++folder) {
    DIR *listing = opendir(*folder);
    if (listing == NULL) exit(4);
    for (struct dirent *entry = readdir(listing); entry != NULL; entry = readdir(listing)) {
      AddText(entry->d_name);
      Add(&entry->d_ino, sizeof entry->d_ino);
      struct stat status;
      snprintf(name, sizeof name, "%s/%s", *folder, entry->d_name);
      if (stat(name, &status) != 0) continue;
      Add(&status.st_ino, sizeof status.st_ino);
      Add(&status.st_mtime, sizeof status.st_mtime);
      Add(&status.st_mode, sizeof status.st_mode);
      Add(&status.st_uid, sizeof status.st_uid);
    }
    closedir(listing);
  }
  Tell("files");
}

static void Floats(void) {
  volatile double x = 1;
  for (int i = 1; i < 20000; ++i) {
    x = fma(sin(x) + exp(-x) * log1p(i), pow(i, 0.3), sqrt(x * x + 1)) / (1 + cbrt(i));
    const double now = x;
    Add(&now, sizeof now);
  }
  char text[64];
  snprintf(text, sizeof text, "%.17g %a %Lg", x, x, (long double)x);
  AddText(text);
  Tell("floats");
}

static void Identity(void) {
  struct utsname name;
  if (uname(&name) == 0) {
    AddText(name.sysname);
    AddText(name.nodename);
    AddText(name.release);
    AddText(name.machine);
  }
  char folder[256];
  AddText(getcwd(folder, sizeof folder) == NULL ? "none" : folder);
  const int numbers[] = {getpid(), getppid(), getuid(), geteuid(), getgid(), umask(022)};
  Add(numbers, sizeof numbers);
  for (char **variable = environ; *variable != NULL; ++variable) AddText(*variable);
  for (int i = 0; i < 140; ++i) AddText(strerror(i));
  Tell("identity");
}

int main(void) {
  Clocks();
  Randomness();
  Memory();
  Files();
  Floats();
  Identity();
  char line[256];
  while (fgets(line, sizeof line, stdin) != NULL) AddText(line);
  Tell("input");
  return 0;
}
