/* Checks of a guest test program: every failure is printed, the exit code counts them. */
#ifndef CHECK_H
#define CHECK_H

#include <errno.h>
#include <stdio.h>

static int failures;

#define CHECK(condition)                                                          \
  do {                                                                            \
    if (!(condition)) {                                                           \
      printf("%s:%d: failed: %s (errno %d)\n", __FILE__, __LINE__, #condition, errno); \
      ++failures;                                                                 \
    }                                                                             \
  } while (0)

/* The call fails with exactly this errno. */
#define CHECK_ERRNO(call, wanted)   \
  do {                              \
    errno = 0;                      \
    CHECK((call) == -1 && errno == (wanted)); \
  } while (0)

#endif
