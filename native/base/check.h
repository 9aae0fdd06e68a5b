// Assertions of host invariants. A failed check means a programming error of ours, never bad input:
// it ends the process at once without running anything else.
#pragma once

// Active in every build: the cost is a predictable branch, the gain is that a broken invariant
// cannot become an escape.
#define ZVM_CHECK(condition)                      \
  do {                                            \
    if (__builtin_expect(!(condition), 0)) {      \
      __builtin_trap();                           \
    }                                             \
  } while (false)
