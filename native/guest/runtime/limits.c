/* Limits and priorities: the session alone limits a program, so these are only remembered. */
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "vfs.h"

enum { kNiceMin = -20, kNiceMax = 19 };

static struct rlimit limits[RLIM_NLIMITS];
static int limits_ready;
static int niceness;

static struct rlimit *Limit(int resource) {
  if (!limits_ready) {
    memset(limits, 0xff, sizeof limits); /* RLIM_INFINITY */
    limits[RLIMIT_NOFILE] = (struct rlimit){ZVM_OPEN_MAX, ZVM_OPEN_MAX};
    limits[RLIMIT_CORE] = (struct rlimit){0, 0};
    limits[RLIMIT_NPROC] = (struct rlimit){1, 1};
    limits_ready = 1;
  }
  return resource < 0 || resource >= RLIM_NLIMITS ? NULL : &limits[resource];
}

int getrlimit(int resource, struct rlimit *out) {
  const struct rlimit *limit = Limit(resource);
  if (limit == NULL) return (int)zvm_result(-EINVAL);
  *out = *limit;
  return 0;
}

int setrlimit(int resource, const struct rlimit *wanted) {
  struct rlimit *limit = Limit(resource);
  if (limit == NULL || wanted->rlim_cur > wanted->rlim_max) return (int)zvm_result(-EINVAL);
  if (wanted->rlim_max > limit->rlim_max) return (int)zvm_result(-EPERM);
  *limit = *wanted;
  return 0;
}

int getpriority(int which, id_t who) {
  if (which < PRIO_PROCESS || which > PRIO_USER) return (int)zvm_result(-EINVAL);
  if (which != PRIO_USER && who > 1) return (int)zvm_result(-ESRCH);
  return niceness;
}

int setpriority(int which, id_t who, int value) {
  if (which < PRIO_PROCESS || which > PRIO_USER) return (int)zvm_result(-EINVAL);
  if (which != PRIO_USER && who > 1) return (int)zvm_result(-ESRCH);
  niceness = value < kNiceMin ? kNiceMin : value > kNiceMax ? kNiceMax : value;
  return 0;
}

int nice(int increment) {
  setpriority(PRIO_PROCESS, 0, niceness + increment);
  return niceness;
}

int sched_yield(void) { return 0; }

int getdtablesize(void) { return ZVM_OPEN_MAX; }
