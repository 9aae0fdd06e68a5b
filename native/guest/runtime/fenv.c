/* <fenv.h> on MXCSR: six sticky flags in bits 0-5, their masks in bits 7-12, the rounding direction
 * in bits 13-14. Exceptions stay masked: a trap would end the session. */
#include <fenv.h>

enum { kRoundingBits = 0x6000, kMaskShift = 7 };

static const fenv_t kInitial = 0x1f80; /* every exception masked, no flag, to nearest */
const fenv_t *const _fe_dfl_env = &kInitial;

static unsigned Get(void) {
  unsigned value;
  __asm__ volatile("stmxcsr %0" : "=m"(value));
  return value;
}

static int Set(unsigned value) {
  value |= FE_ALL_EXCEPT << kMaskShift;
  __asm__ volatile("ldmxcsr %0" : : "m"(value));
  return 0;
}

int fegetround(void) { return (int)(Get() & kRoundingBits); }

int fesetround(int direction) {
  if (direction & ~kRoundingBits) return -1;
  return Set((Get() & ~(unsigned)kRoundingBits) | (unsigned)direction);
}

int fetestexcept(int exceptions) { return (int)Get() & exceptions & FE_ALL_EXCEPT; }

int feclearexcept(int exceptions) {
  return Set(Get() & ~((unsigned)exceptions & FE_ALL_EXCEPT));
}

int feraiseexcept(int exceptions) { return Set(Get() | ((unsigned)exceptions & FE_ALL_EXCEPT)); }

int fegetexceptflag(fexcept_t *flags, int exceptions) {
  *flags = (fexcept_t)fetestexcept(exceptions);
  return 0;
}

int fesetexceptflag(const fexcept_t *flags, int exceptions) {
  unsigned which = (unsigned)exceptions & FE_ALL_EXCEPT;
  return Set((Get() & ~which) | (*flags & which));
}

int fegetenv(fenv_t *environment) {
  *environment = Get();
  return 0;
}

int fesetenv(const fenv_t *environment) { return Set(*environment); }

int feholdexcept(fenv_t *environment) {
  *environment = Get();
  return Set(*environment & ~(unsigned)FE_ALL_EXCEPT);
}

int feupdateenv(const fenv_t *environment) {
  unsigned raised = Get() & FE_ALL_EXCEPT;
  return Set(*environment | raised);
}
