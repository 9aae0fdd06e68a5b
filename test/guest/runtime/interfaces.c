/* POSIX and BSD interfaces that ports of real programs asked for: lines, calendar, rounding, limits,
 * shared libraries, messages, names of paths. */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <err.h>
#include <fenv.h>
#include <glob.h>
#include <libgen.h>
#include <math.h>
#include <netdb.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

static void Lines(void) {
  FILE *file = fopen("/tmp/lines", "w+");
  CHECK(file != NULL && fputs("one\ntwo:three", file) >= 0);
  rewind(file);
  char *line = NULL;
  size_t size = 0;
  CHECK(getline(&line, &size, file) == 4 && strcmp(line, "one\n") == 0 && size >= 5);
  CHECK(getdelim(&line, &size, ':', file) == 4 && strcmp(line, "two:") == 0);
  CHECK(getline(&line, &size, file) == 5 && strcmp(line, "three") == 0);
  CHECK(getline(&line, &size, file) == -1 && feof(file));
  free(line);
  CHECK(fclose(file) == 0);
}

static void Calendar(void) {
  for (long long t = -62135596800; t < 253402300800; t += 86400LL * 1000 + 12345) {
    time_t time = t;
    struct tm parts;
    CHECK(gmtime_r(&time, &parts) != NULL && parts.tm_gmtoff == 0);
    CHECK(timegm(&parts) == time);
  }
  struct tm loose = {.tm_year = 100, .tm_mon = 14, .tm_mday = -3, .tm_hour = 25, .tm_sec = 61};
  CHECK(timegm(&loose) == 983149261);
  CHECK(loose.tm_year == 101 && loose.tm_mon == 1 && loose.tm_mday == 26 && loose.tm_hour == 1 &&
        loose.tm_min == 1 && loose.tm_sec == 1 && loose.tm_wday == 1);
}

static void Rounding(void) {
  volatile double one = 1, three = 3, zero = 0;
  CHECK(fegetround() == FE_TONEAREST);
  double nearest = one / three;
  CHECK(fesetround(FE_UPWARD) == 0 && fegetround() == FE_UPWARD && one / three > nearest);
  CHECK(fesetround(FE_DOWNWARD) == 0 && one / three == nearest && lrint(2.5 * one) == 2);
  CHECK(fesetround(FE_TOWARDZERO) == 0 && lrint(-2.9 * one) == -2);
  CHECK(fesetround(1) == -1 && fegetround() == FE_TOWARDZERO);
  CHECK(fesetenv(FE_DFL_ENV) == 0 && fetestexcept(FE_ALL_EXCEPT) == 0);
  volatile double infinite = one / zero;
  CHECK(isinf(infinite) && fetestexcept(FE_ALL_EXCEPT) == FE_DIVBYZERO);
  fenv_t held;
  CHECK(feholdexcept(&held) == 0 && fetestexcept(FE_ALL_EXCEPT) == 0);
  CHECK(feraiseexcept(FE_INVALID) == 0 && feupdateenv(&held) == 0);
  CHECK(fetestexcept(FE_ALL_EXCEPT) == (FE_DIVBYZERO | FE_INVALID));
  CHECK(feclearexcept(FE_INVALID) == 0 && fetestexcept(FE_INVALID) == 0);
}

static void Limits(void) {
  struct rlimit limit;
  CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur == 1024);
  limit.rlim_cur = 100;
  CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0 && getrlimit(RLIMIT_NOFILE, &limit) == 0);
  CHECK(limit.rlim_cur == 100 && limit.rlim_max == 1024);
  limit.rlim_max = 2048;
  CHECK_ERRNO(setrlimit(RLIMIT_NOFILE, &limit), EPERM);
  CHECK_ERRNO(getrlimit(RLIM_NLIMITS, &limit), EINVAL);
  CHECK(getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur == RLIM_INFINITY);
  CHECK(nice(5) == 5 && getpriority(PRIO_PROCESS, 0) == 5 && nice(100) == 19);
  CHECK_ERRNO(getpriority(PRIO_PROCESS, 77), ESRCH);
  struct rusage usage;
  CHECK(getrusage(RUSAGE_SELF, &usage) == 0 && usage.ru_maxrss == 0);
}

static void Libraries(void) {
  CHECK(dlerror() == NULL && dlopen("libm.so", RTLD_NOW) == NULL);
  CHECK(strstr(dlerror(), "shared libraries") != NULL && dlerror() == NULL);
}

static void Messages(void) {
  fflush(stderr);
  CHECK(freopen("/tmp/messages", "w+", stderr) != NULL);
  errno = ENOENT;
  warn("file %d", 7);
  warnx("plain");
  setprogname("renamed");
  CHECK(strcmp(getprogname(), "renamed") == 0);
  openlog("logger", LOG_PERROR, LOG_USER);
  setlogmask(LOG_UPTO(LOG_ERR));
  syslog(LOG_ERR | LOG_MAIL, "shown %s", "once");
  syslog(LOG_INFO, "hidden");
  rewind(stderr);
  char text[256];
  text[fread(text, 1, sizeof text - 1, stderr)] = 0;
  CHECK(strcmp(text, "test: file 7: No such file or directory\ntest: plain\n"
                     "logger: shown once\n") == 0);
}

static void Paths(void) {
  char path[] = "/usr/lib/", root[] = "/", plain[] = "file";
  CHECK(strcmp(basename(path), "lib") == 0);
  char again[] = "/usr/lib/";
  CHECK(strcmp(dirname(again), "/usr") == 0 && strcmp(dirname(plain), ".") == 0);
  CHECK(strcmp(basename(root), "/") == 0);
  char slashes[] = "////a///", deep[] = "/a//b";
  CHECK(strcmp(dirname(slashes), "/") == 0 && strcmp(dirname(deep), "/a") == 0);
}

static void Patterns(void) {
  CHECK(mkdir("/tmp/glob", 0755) == 0);
  CHECK(fclose(fopen("/tmp/glob/b.txt", "w")) == 0 && fclose(fopen("/tmp/glob/a.txt", "w")) == 0);
  CHECK(fclose(fopen("/tmp/glob/.hidden.txt", "w")) == 0);
  glob_t found;
  CHECK(glob("/tmp/gl*/[ab].t?t", 0, NULL, &found) == 0 && found.gl_pathc == 2);
  CHECK(strcmp(found.gl_pathv[0], "/tmp/glob/a.txt") == 0);
  globfree(&found);
  CHECK(glob("/tmp/glob/*", 0, NULL, &found) == 0 && found.gl_pathc == 2);
  globfree(&found);
}

static void Accounts(void) {
  struct passwd user, *found;
  char buffer[64];
  CHECK(getpwuid_r(getuid(), &user, buffer, sizeof buffer, &found) == 0 && found == &user);
  CHECK(strcmp(user.pw_name, "root") == 0 && user.pw_uid == 7);
  CHECK(getpwnam_r("nobody", &user, buffer, sizeof buffer, &found) == 0 && found == NULL);
  setpwent();
  CHECK(getpwent() != NULL && getpwent() == NULL);
  CHECK_ERRNO(mkfifo("/tmp/fifo", 0600), EPERM);
}

static void Terminals(void) {
  struct termios settings;
  CHECK_ERRNO(tcgetattr(1, &settings), ENOTTY);
  CHECK_ERRNO(tcsetattr(99, TCSANOW, &settings), EBADF);
  CHECK(cfsetspeed(&settings, B9600) == 0 && cfgetospeed(&settings) == B9600);
  CHECK(ttyname(0) == NULL && errno == ENOTTY);
}

static void CheckAddress(const char *text, const char *printed) {
  unsigned char bytes[16];
  char out[INET6_ADDRSTRLEN];
  CHECK(inet_pton(AF_INET6, text, bytes) == (printed != NULL));
  if (printed != NULL)
    CHECK(inet_ntop(AF_INET6, bytes, out, sizeof out) == out && strcmp(out, printed) == 0);
}

static void Sockets(void) {
  CHECK_ERRNO(socket(AF_INET, SOCK_STREAM, 0), EAFNOSUPPORT);
  CHECK_ERRNO(send(1, "", 1, 0), ENOTSOCK);
  CHECK_ERRNO(listen(99, 1), EBADF);
  struct addrinfo *found;
  CHECK(getaddrinfo("example.org", "80", NULL, &found) == EAI_FAIL && gethostbyname("a") == NULL);
  CHECK(inet_addr("127.0.0.1") == htonl(INADDR_LOOPBACK) && inet_addr("1.2.3") == INADDR_NONE);
  CHECK(inet_addr("256.1.1.1") == INADDR_NONE && inet_addr("1.2.3.4 ") == INADDR_NONE);
  CHECK(strcmp(inet_ntoa((struct in_addr){htonl(0x01020304)}), "1.2.3.4") == 0);
  CheckAddress("::", "::");
  CheckAddress("::1", "::1");
  CheckAddress("1::", "1::");
  CheckAddress("2001:DB8:0:0:8:800:200C:417A", "2001:db8::8:800:200c:417a");
  CheckAddress("1:0:0:2:0:0:0:3", "1:0:0:2::3");
  CheckAddress("::ffff:1.2.3.4", "::ffff:102:304");
  CheckAddress("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8");
  CheckAddress("1:2:3:4:5:6:7", NULL);
  CheckAddress("1::2::3", NULL);
  CheckAddress(":1", NULL);
  CheckAddress("1:", NULL);
  CheckAddress("1:2:3:4:5:6:7:8:9", NULL);
  CheckAddress("12345::", NULL);
}

int main(void) {
  Lines();
  Calendar();
  Rounding();
  Limits();
  Libraries();
  Messages();
  Paths();
  Patterns();
  Accounts();
  Terminals();
  Sockets();
  return failures;
}
