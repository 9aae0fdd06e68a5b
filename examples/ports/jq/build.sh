#!/usr/bin/env bash
# jq with the regular expressions of Oniguruma, both from their Debian source packages.
port=jq
. "$(dirname "$0")/../common.sh"
sources jq
sources libonig onig
restored && exit 0
mkdir -p "$work/build/src" "$work/build/onig"
cd "$work/build"

# What Oniguruma's configure would write for this target.
cat >onig/config.h <<'CONFIG'
#define HAVE_ALLOCA 1
#define HAVE_ALLOCA_H 1
#define HAVE_INTTYPES_H 1
#define HAVE_STDINT_H 1
#define HAVE_SYS_TIME_H 1
#define HAVE_SYS_TYPES_H 1
#define HAVE_UNISTD_H 1
#define SIZEOF_INT 4
#define SIZEOF_LONG 4
#define SIZEOF_LONG_LONG 8
#define SIZEOF_VOIDP 4
CONFIG
cd onig
files=()
for file in "$work"/onig/src/*.c; do
  case $(basename "$file") in
    mktable.c | *_data.c | *_data_posix.c) ;; # programs of the build, parts of other files
    *) files+=("$file") ;;
  esac
done
"$tools/zvm-cc" -O2 -w -DHAVE_CONFIG_H -I. -I"$work/onig/src" -c "${files[@]}"
cd ..

# What jq's makefile makes: its functions written in jq as a C string, its version.
sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/"/' -e 's/$/\\n"/' "$work/source/src/builtin.jq" \
  >src/builtin.inc
echo '#define JQ_VERSION "1.6"' >src/version.h
flags=(-O2 -w -D_GNU_SOURCE -DIEEE_8087)
for name in MEMMEM MKSTEMP TIMEGM GMTIME_R GMTIME LOCALTIME_R LOCALTIME STRFTIME STRPTIME \
  SETLOCALE LIBONIG ISATTY GETTIMEOFDAY ATEXIT NEXTTOWARD TM_TM_GMT_OFF ACOS ACOSH ASIN \
  ASINH ATAN2 ATAN ATANH CBRT CEIL COPYSIGN COS COSH DREM ERF ERFC EXP10 EXP2 EXP EXPM1 FABS \
  FDIM FLOOR FMA FMAX FMIN FMOD FREXP GAMMA HYPOT J0 J1 JN LDEXP LGAMMA LGAMMA_R LOG10 LOG1P \
  LOG2 LOG LOGB MODF NEARBYINT NEXTAFTER POW10 POW REMAINDER RINT ROUND SCALB SCALBLN \
  SIGNIFICAND SIN SINH SQRT TAN TANH TGAMMA TRUNC Y0 Y1 YN; do
  flags+=("-DHAVE_$name")
done
files=("$work"/source/src/*.c)
files=("${files[@]/*inject_errors.c/}")
# shellcheck disable=SC2068
"$tools/zvm-cc" "${flags[@]}" -I. -I"$work/onig/src" ${files[@]} onig/*.o -lm -o "$nexe"
keep "$(basename "$nexe")"
