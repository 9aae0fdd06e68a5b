#!/usr/bin/env bash
# newlib-port.sh SOURCE: what newlib has to be told about this target, written into a fresh copy of
# its sources. Types are made wide enough for files of any size; nothing else differs from upstream.
set -euo pipefail
cd "$1"

# The x86-64 assembly and its fenv are not sandboxed code: use the C versions.
sed -i -e 's/machine_dir=x86_64$/machine_dir=/' configure.host

cat >>libc/include/machine/_types.h <<'TYPES'
#ifdef __zvm__
#ifndef _ZVM_MACHINE_TYPES
#define _ZVM_MACHINE_TYPES
typedef long long _off_t;
#define __machine_off_t_defined
typedef long long _fpos_t;
#define __machine_fpos_t_defined
typedef unsigned long long __ino_t;
#define __machine_ino_t_defined
typedef unsigned int __dev_t;
#define __machine_dev_t_defined
typedef unsigned int __uid_t;
#define __machine_uid_t_defined
typedef unsigned int __gid_t;
#define __machine_gid_t_defined
typedef long long __blkcnt_t;
#define __machine_blkcnt_t_defined
#endif
#endif
TYPES

# Which optional parts of POSIX the guest runtime has; members of struct tm that POSIX leaves open.
sed -i '0,/^#ifdef __rtems__/s//#ifdef __zvm__\
#define _POSIX_TIMERS 1\
#define _POSIX_MONOTONIC_CLOCK 200112L\
#define _POSIX_MAPPED_FILES 1\
#define _POSIX_FSYNC 1\
#define _POSIX_CPUTIME 1\
#define __TM_GMTOFF tm_gmtoff\
#define __TM_ZONE tm_zone\
#endif\
\
#ifdef __rtems__/' libc/include/sys/features.h

# Declarations that newlib keeps for other systems and the guest runtime has too.
sed -i -e '140,160s/defined(__rtems__)/defined(__rtems__) || defined(__zvm__)/' \
  -e '125,135s/^#if defined(__CYGWIN__)$/#if defined(__CYGWIN__) || defined(__zvm__)/' \
  libc/include/sys/stat.h

# The newer exp, log, pow and their kin: exact where the result is, and faster.
sed -i 's/^#ifdef __CYGWIN__$/#if defined(__CYGWIN__) || defined(__zvm__)/' \
  libc/include/machine/ieeefp.h
sed -i '/^#define log2(x)/d' libc/include/math.h

# The BSD and POSIX spellings of setjmp; there is no signal mask to save.
sed -i '0,/^_END_STD_C/s//#ifdef __zvm__\
int _setjmp(jmp_buf);\
void _longjmp(jmp_buf, int) __attribute__((__noreturn__));\
typedef jmp_buf sigjmp_buf;\
#define sigsetjmp(env, save) setjmp(env)\
#define siglongjmp(env, value) longjmp(env, value)\
#endif\
\
_END_STD_C/' libc/include/setjmp.h

# POSIX and BSD functions that the runtime has and newlib does not declare.
sed -i -e 's|^/\* getdelim - see __getdelim for now \*/|ssize_t getdelim (char **, size_t *, int, FILE *);|' \
  -e 's|^/\* getline - see __getline for now \*/|ssize_t getline (char **, size_t *, FILE *);|' \
  libc/include/stdio.h
sed -i 's|^time_t.*mktime (struct tm .*|&\ntime_t timegm (struct tm *);|' libc/include/time.h
sed -i '0,/^_BEGIN_STD_C/s//&\
#if __MISC_VISIBLE\
const char *getprogname (void);\
void setprogname (const char *);\
#endif/' libc/include/stdlib.h
# POSIX wants <regex.h> to define the types that it uses.
sed -i '0,/^typedef/s//#include <sys\/types.h>\n&/' libc/include/regex.h
