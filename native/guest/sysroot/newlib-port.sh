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

sed -i 's/^int.*fchmod (int .*/&\
#if __BSD_VISIBLE\
int	lchmod (const char *__path, mode_t __mode );\
#endif/' libc/include/sys/stat.h

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

# Positions (%2$d) are for the full printf alone: see printf.c. Where va_list is an array, as here,
# the address of a parameter of that type is not that of the caller's list, but its value is.
full='!defined(INTEGER_ONLY)'
sed -i -e "/^#define _NO_POS_ARGS/{n;s/.*/#if defined(_WANT_IO_POS_ARGS) \\&\\& $full/}" \
  -e "s/^#if defined (STRING_ONLY) && defined(INTEGER_ONLY)/#if defined(STRING_ONLY) \\&\\& $full/" \
  libc/stdio/vf{,w}printf.c
sed -i 's/\(get_arg (.*\)&ap,/\1(va_list *) ap,/' libc/stdio/vf{,w}{printf,scanf}.c
[ "$(cat libc/stdio/vf*.c | grep -c '(va_list \*) ap,')" = 4 ]

# A prefix "0x" without a digit behind it is the number 0 and the text "x".
for name in strtol strtoll strtoul strtoull strtoimax strtoumax \
  wcstol wcstoll wcstoul wcstoull wcstoimax wcstoumax; do
  digit='isxdigit((unsigned char)s[1])'
  [ "${name#w}" = "$name" ] || digit='(unsigned)s[1] < 128 \&\& isxdigit(s[1])'
  sed -i -e '0,/^#include/s//#include <ctype.h>\n&/' \
    -e "s/(\*s == L*'x' || \*s == L*'X')) {/(*s == 'x' || *s == 'X') \&\& $digit) {/" \
    "libc/stdlib/$name.c"
  grep -q 'isxdigit' "libc/stdlib/$name.c"
done

# The environment as POSIX has it: no empty names; putenv of a name alone removes it.
sed -i "s/^  if (strchr(name, '='))/  if (name == NULL || *name == 0 || strchr(name, '='))/" \
  libc/stdlib/setenv_r.c
sed -i '/strchr (p, .=.)/,/return 1;/s/return 1;/return _unsetenv_r (reent_ptr, str);/' \
  libc/stdlib/putenv_r.c

# glob: a backslash quotes unless GLOB_NOESCAPE is set, and no match is an error.
sed -i 's/^#define GLOB_MAXPATH.*/&\
#define GLOB_NOESCAPE 0x2000\
#define GLOB_ABORTED GLOB_ABEND\
#define GLOB_NOMATCH (-3)\
#define GLOB_NOSYS (-4)/' libc/include/glob.h
sed -i -e 's/^\tif (flags & GLOB_QUOTE) {/\tif ((flags \& GLOB_NOESCAPE) == 0) {/' \
  -e 's/return \(glob0\|globexp1\)(patbuf, pglob, &limit);/c = \1(patbuf, pglob, \&limit);/' \
  -e '/c = glob0(patbuf/a\
\treturn c == 0 \&\& pglob->gl_matchc == 0 \&\& !(flags \& (GLOB_NOCHECK | GLOB_NOMAGIC)) ?\
\t  GLOB_NOMATCH : c;' libc/posix/glob.c
[ "$(grep -c 'GLOB_NOESCAPE\|GLOB_NOMATCH' libc/posix/glob.c)" = 2 ]

# dirname of "//a" is "/": slashes before the last part go, too.
sed -i "s/^\treturn\$/\twhile (p > path \&\& p[-1] == '\/') --p;\n&/" libc/unix/dirname.c
grep -q 'p\[-1\]' libc/unix/dirname.c

# Constants and declarations that newlib has not or keeps for other systems.
printf '\n#define HOST_NAME_MAX 64\n' >>libc/include/limits.h
linux='^#ifdef __LINUX_ERRNO_EXTENSIONS__$'
sed -i "/$linux/{N;/ESHUTDOWN/{N;s/.*\(#define ESHUTDOWN.*\)\n.*/\1/}}" libc/include/sys/errno.h
sed -i 's/^#define _SYS_UTIME_H$/&\n#include <sys\/types.h>/' libc/include/sys/utime.h
{
  echo '#if __ISO_C_VISIBLE >= 2011 || __cplusplus >= 202002L'
  for bits in 8 16 32 64; do
    printf '#define INT%s_WIDTH %s\n#define UINT%s_WIDTH %s\n' $bits $bits $bits $bits
    for kind in LEAST FAST; do
      printf '#define INT_%s%s_WIDTH __INT_%s%s_WIDTH__\n' $kind $bits $kind $bits
      printf '#define UINT_%s%s_WIDTH __INT_%s%s_WIDTH__\n' $kind $bits $kind $bits
    done
  done
  for name in INTPTR INTMAX; do
    printf '#define %s_WIDTH __%s_WIDTH__\n#define U%s_WIDTH __%s_WIDTH__\n' \
      $name $name $name $name
  done
  for name in PTRDIFF SIZE SIG_ATOMIC WCHAR WINT; do
    printf '#define %s_WIDTH __%s_WIDTH__\n' $name $name
  done
  echo '#endif'
} >widths
sed -i '/^#ifdef __cplusplus$/{N;/\n}$/{e cat widths
}}' libc/include/stdint.h
rm widths
sed -i '/^#if defined(_POSIX_TIMERS)$/i\
#if __ISO_C_VISIBLE >= 2011 || __GNU_VISIBLE\
#define TIME_UTC 1\
int timespec_get (struct timespec *, int);\
#endif\
#if __GNU_VISIBLE\
int timespec_getres (struct timespec *, int);\
#endif\
' libc/include/time.h
sed -i 's/^char.*realpath (.*/&\
#if __GNU_VISIBLE\
char *	canonicalize_file_name (const char *);\
#endif/' libc/include/stdlib.h
