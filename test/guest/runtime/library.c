/* The C library where Debian's newlib differs from POSIX and ISO C and the guest's does not:
 * native/guest/sysroot/newlib-port.sh and the runtime. */
#define _GNU_SOURCE
#include <fenv.h>
#include <float.h>
#include <glob.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>
#include <wchar.h>

#include "check.h"

static void Positions(void) {
  char text[64];
  const char *volatile format = "%2$s is %1$d, %1$0*3$x";
  CHECK(snprintf(text, sizeof text, format, 26, "answer", 6) == 20);
  CHECK(strcmp(text, "answer is 26, 00001a") == 0);
  format = "%3$.*1$f %2$lld";
  CHECK(snprintf(text, sizeof text, format, 2, 1LL << 40, 2.5) == 18);
  CHECK(strcmp(text, "2.50 1099511627776") == 0);
  wchar_t wide[64];
  CHECK(swprintf(wide, 64, L"%2$d %1$ls", L"w", 7) == 3 && wcscmp(wide, L"7 w") == 0);
}

static void Numbers(void) {
  char *end;
  const char *texts[] = {"0x", "0xg", "0X-1"};
  for (int i = 0; i < 3; ++i) {
    for (int base = 0; base <= 16; base += 16) {
      CHECK(strtol(texts[i], &end, base) == 0 && end == texts[i] + 1);
      CHECK(strtoul(texts[i], &end, base) == 0 && end == texts[i] + 1);
      CHECK(strtoll(texts[i], &end, base) == 0 && end == texts[i] + 1);
      CHECK(strtoull(texts[i], &end, base) == 0 && end == texts[i] + 1);
      CHECK(strtoimax(texts[i], &end, base) == 0 && end == texts[i] + 1);
      CHECK(strtoumax(texts[i], &end, base) == 0 && end == texts[i] + 1);
    }
  }
  CHECK(strtol("0x1fg", &end, 0) == 31 && *end == 'g' && strtol("-0XaB", &end, 16) == -171);
  CHECK(strtol("017", &end, 0) == 15 && *end == 0 && strtol("x1", &end, 16) == 0 && *end == 'x');
  wchar_t *wide_end;
  const wchar_t *wide = L"0x\u0661";
  CHECK(wcstol(wide, &wide_end, 0) == 0 && wide_end == wide + 1);
  CHECK(wcstoull(wide, &wide_end, 16) == 0 && wide_end == wide + 1);
  CHECK(wcstoll(L"0xff", &wide_end, 0) == 255 && *wide_end == 0);
  CHECK(INT8_WIDTH == 8 && UINT64_WIDTH == 64 && SIZE_WIDTH == 32 && INT_FAST64_WIDTH == 64);
}

static void FusedOnce(void) {
  volatile double x = 1 + DBL_EPSILON, y = 1 - DBL_EPSILON, z = -1;
  CHECK(fma(x, y, z) == -DBL_EPSILON * DBL_EPSILON); /* x * y rounds to 1 */
  /* Halfway between two doubles but for a bit far away. */
  CHECK(fma(1.0 + 0x1p-30, 1.0 + 0x1p-23, -0x1p-200) == 1.0 + 0x1p-23 + 0x1p-30);
  CHECK(fma(1.0 + 0x1p-30, 1.0 + 0x1p-23, 0x1p-200) == 1.0 + 0x1p-23 + 0x1p-30 + 0x1p-52);
  CHECK(fma(0x1p-1074, 0.5, 0) == 0 && fma(0x1p-1074, 0.5, 0x1p-1074) == 0x1p-1073);
  CHECK(fma(0x1.8p-1074, 0.5, 0) == 0x1p-1074 && signbit(fma(-0x1p-1000, 0x1p-1000, 0)));
  CHECK(fma(DBL_MAX, 2, -DBL_MAX) == DBL_MAX && isinf(fma(DBL_MAX, 2, 0)));
  CHECK(fma(0x1p600, 0x1p600, -INFINITY) == -INFINITY && isnan(fma(INFINITY, 0, 1)));
  CHECK(fmaf(1 + FLT_EPSILON, 1 - FLT_EPSILON, -1) == -FLT_EPSILON * FLT_EPSILON);
  CHECK(fmaf(1 + 0x1p-12f, 1 + 0x1p-12f, 0x1p-60f) == 1 + 0x1p-11f + 0x1p-23f);
  CHECK(fesetround(FE_DOWNWARD) == 0 && fma(x, 1, -0x1p-100) == 1 && signbit(fma(x, 1, -x)));
  CHECK(fesetround(FE_UPWARD) == 0 && fma(x, 1, 0x1p-100) == 1 + 2 * DBL_EPSILON);
  fesetround(FE_TONEAREST);
}

static void Environment(void) {
  CHECK_ERRNO(setenv("", "value", 1), EINVAL);
  CHECK_ERRNO(setenv("A=B", "value", 1), EINVAL);
  CHECK(setenv("NAME", "1", 1) == 0 && setenv("NAME", "2", 0) == 0);
  CHECK(strcmp(getenv("NAME"), "1") == 0);
  char assignment[] = "NAME=3", name[] = "NAME";
  CHECK(putenv(assignment) == 0 && strcmp(getenv("NAME"), "3") == 0);
  CHECK(putenv(name) == 0 && getenv("NAME") == NULL);
}

static void Errors(void) {
  CHECK(strcmp(strerror(4711), "Unknown error 4711") == 0);
  CHECK(strcmp(strerror(-1), "Unknown error -1") == 0);
  CHECK(strcmp(strerror(ENOENT), "No such file or directory") == 0 && ESHUTDOWN != 0);
}

static void System(void) {
  char host[HOST_NAME_MAX + 1];
  CHECK(gethostname(host, sizeof host) == 0 && strcmp(host, "zvm") == 0);
  CHECK(sysconf(_SC_HOST_NAME_MAX) == HOST_NAME_MAX && getdomainname(host, sizeof host) == 0);
  CHECK_ERRNO(sethostname("a", 1), EPERM);
  CHECK(getdtablesize() == 1024 && EX_USAGE == 64);
  CHECK_ERRNO(getgroups(-1, NULL), EINVAL);
  CHECK((POLLRDBAND | POLLWRBAND) == 0x280);
  CHECK(flock(1, LOCK_EX | LOCK_NB) == 0 && flock(1, LOCK_UN) == 0);
  CHECK_ERRNO(flock(99, LOCK_SH), EBADF);
  CHECK_ERRNO(flock(1, 0), EINVAL);
  struct timespec now, step;
  CHECK(timespec_get(&now, TIME_UTC) == TIME_UTC && now.tv_sec == 1400000000);
  CHECK(timespec_get(&now, 7) == 0 && timespec_getres(&step, TIME_UTC) == TIME_UTC);
  CHECK(step.tv_nsec == 1000);
}

static void Folders(void) {
  CHECK(fclose(fopen("/tmp/file", "w")) == 0 && symlink("file", "/tmp/link") == 0);
  CHECK(mkdir("/tmp/folder", 0755) == 0 && symlink("folder/", "/tmp/to_folder") == 0);
  CHECK(symlink("loop", "/tmp/loop") == 0);
  struct stat st;
  CHECK(stat("/tmp/link", &st) == 0 && access("/tmp/to_folder//", F_OK) == 0);
  CHECK_ERRNO(stat("/tmp/link/", &st), ENOTDIR);
  CHECK_ERRNO(lstat("/tmp/link//", &st), ENOTDIR);
  CHECK_ERRNO(access("/tmp/loop/", F_OK), ELOOP);
  CHECK(lstat("/tmp/to_folder/", &st) == 0 && S_ISDIR(st.st_mode));
  CHECK(lstat("/tmp/to_folder/.", &st) == 0 && S_ISDIR(st.st_mode));
  CHECK_ERRNO(lchmod("/tmp/file/", 0600), ENOTDIR);
  char *real = canonicalize_file_name("/tmp/../tmp/link");
  CHECK(real != NULL && strcmp(real, "/tmp/file") == 0);
  free(real);
}

static void Patterns(void) {
  CHECK(fclose(fopen("/tmp/a*b", "w")) == 0 && fclose(fopen("/tmp/axb", "w")) == 0);
  glob_t found;
  CHECK(glob("/tmp/a\\*b", 0, NULL, &found) == 0 && found.gl_pathc == 1);
  CHECK(strcmp(found.gl_pathv[0], "/tmp/a*b") == 0);
  globfree(&found);
  CHECK(glob("/tmp/a\\*b", GLOB_NOESCAPE, NULL, &found) == GLOB_NOMATCH);
  CHECK(glob("/tmp/none*", 0, NULL, &found) == GLOB_NOMATCH);
  CHECK(glob("/tmp/none*", GLOB_NOCHECK, NULL, &found) == 0 && found.gl_pathc == 1);
  globfree(&found);
}

int main(void) {
  Positions();
  Numbers();
  FusedOnce();
  Environment();
  Errors();
  System();
  Folders();
  Patterns();
  return failures != 0;
}
