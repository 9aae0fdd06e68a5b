/* Virtual time: starts at [time] seconds (default 0) and moves only when the program asks or
 * sleeps, so that equal inputs give equal outputs. Asking costs one microsecond, sleeping its
 * duration. */
#include <errno.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

#include "vfs.h"

enum { ASK_NS = 1000 };
static const int64_t kSecond = 1000000000;

static int64_t start_ns;
static int64_t now_ns;

int64_t zvm_now_ns(void) { return now_ns; }

void zvm_clock_start(int64_t seconds) {
  now_ns = start_ns = seconds > INT64_MAX / kSecond / 2 ? 0 : seconds * kSecond;
}

void zvm_clock_restart(void) { now_ns = start_ns; }

void zvm_clock_advance(int64_t nanoseconds) {
  if (nanoseconds < INT64_MAX - now_ns) now_ns += nanoseconds;
}

static int64_t Ask(void) {
  const int64_t ns = now_ns;
  zvm_clock_advance(ASK_NS);
  return ns;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
  if (time == NULL) return (int)zvm_result(-EFAULT);
  if (zone != NULL) *(struct timezone *)zone = (struct timezone){0, 0};
  const int64_t ns = Ask();
  time->tv_sec = ns / kSecond;
  time->tv_usec = (suseconds_t)(ns % kSecond / 1000);
  return 0;
}

static bool IsClock(clockid_t clock) {
  return clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC || clock == CLOCK_PROCESS_CPUTIME_ID;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  if (!IsClock(clock)) return (int)zvm_result(-EINVAL);
  if (time == NULL) return (int)zvm_result(-EFAULT);
  int64_t ns = Ask();
  if (clock != CLOCK_REALTIME) ns -= start_ns;
  *time = (struct timespec){.tv_sec = ns / kSecond, .tv_nsec = (long)(ns % kSecond)};
  return 0;
}

int clock_getres(clockid_t clock, struct timespec *resolution) {
  if (!IsClock(clock)) return (int)zvm_result(-EINVAL);
  if (resolution != NULL) *resolution = (struct timespec){.tv_sec = 0, .tv_nsec = ASK_NS};
  return 0;
}

int timespec_get(struct timespec *time, int base) {
  return base == TIME_UTC && clock_gettime(CLOCK_REALTIME, time) == 0 ? base : 0;
}

int timespec_getres(struct timespec *resolution, int base) {
  return base == TIME_UTC && clock_getres(CLOCK_REALTIME, resolution) == 0 ? base : 0;
}

int clock_settime(clockid_t clock, const struct timespec *time) {
  (void)time;
  return (int)zvm_result(IsClock(clock) ? -EPERM : -EINVAL);
}

int nanosleep(const struct timespec *wanted, struct timespec *rest) {
  if (wanted == NULL) return (int)zvm_result(-EFAULT);
  if (wanted->tv_nsec < 0 || wanted->tv_nsec >= kSecond || wanted->tv_sec < 0) {
    return (int)zvm_result(-EINVAL);
  }
  const int64_t ns = wanted->tv_sec > INT64_MAX / kSecond / 2
                         ? INT64_MAX / 2
                         : wanted->tv_sec * kSecond + wanted->tv_nsec;
  zvm_clock_advance(ns > 0 ? ns : ASK_NS);
  if (rest != NULL) *rest = (struct timespec){0, 0};
  return 0;
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *wanted,
                    struct timespec *rest) {
  if (!IsClock(clock) || wanted == NULL) return EINVAL;
  if ((flags & TIMER_ABSTIME) == 0) return nanosleep(wanted, rest) < 0 ? errno : 0;
  const int64_t base = clock == CLOCK_REALTIME ? 0 : start_ns;
  const int64_t until = base + wanted->tv_sec * kSecond + wanted->tv_nsec;
  if (until > now_ns) now_ns = until;
  return 0;
}

unsigned sleep(unsigned seconds) {
  zvm_clock_advance(seconds != 0 ? seconds * kSecond : ASK_NS);
  return 0;
}

int usleep(useconds_t microseconds) {
  zvm_clock_advance(microseconds != 0 ? microseconds * INT64_C(1000) : ASK_NS);
  return 0;
}

/* Processor time is the virtual time since the start; newlib's clock() adds these fields. */
clock_t times(struct tms *out) {
  const int64_t ns = Ask() - start_ns;
  const clock_t ticks = (clock_t)(ns / (kSecond / CLOCKS_PER_SEC));
  if (out != NULL) *out = (struct tms){.tms_utime = ticks};
  return ticks;
}

int getrusage(int who, struct rusage *out) {
  if (who != RUSAGE_SELF && who != RUSAGE_CHILDREN) return (int)zvm_result(-EINVAL);
  const int64_t ns = who == RUSAGE_SELF ? Ask() - start_ns : 0;
  *out = (struct rusage){.ru_utime = {ns / kSecond, (suseconds_t)(ns % kSecond / 1000)}};
  return 0;
}
