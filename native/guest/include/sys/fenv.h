/* The floating point environment (C11 7.6): the SSE control and status register alone, since
 * nothing in a nexe uses the x87 unit. Takes the place of newlib's placeholder; included by its
 * <fenv.h>. The values are those of the bits in MXCSR. */
#ifndef _SYS_FENV_H
#define _SYS_FENV_H

#define FE_INVALID 0x01
#define FE_DENORMAL 0x02
#define FE_DIVBYZERO 0x04
#define FE_OVERFLOW 0x08
#define FE_UNDERFLOW 0x10
#define FE_INEXACT 0x20
#define FE_ALL_EXCEPT 0x3f

#define FE_TONEAREST 0x0000
#define FE_DOWNWARD 0x2000
#define FE_UPWARD 0x4000
#define FE_TOWARDZERO 0x6000

typedef unsigned fenv_t;
typedef unsigned fexcept_t;

extern const fenv_t *const _fe_dfl_env;
#define FE_DFL_ENV _fe_dfl_env

#endif
