#!/usr/bin/env bash
# libstdcxx.sh PROFILE PREFIX WORK: the C++ standard library with exceptions and RTTI, from
# gcc-12-source.
set -euo pipefail
profile=$1 prefix=$2 work=$3
here=$(cd "$(dirname "$0")" && pwd)
tools=$(cd "$here/../../build" && pwd)
jobs=${ZVM_JOBS:-$(nproc)}
export ZVM_PROFILE=$profile
"$here/gcc-source.sh" "$work"
build=$work/libstdcxx-$profile

rm -rf "$build" # always from nothing: see newlib.sh
mkdir -p "$build" "$prefix/lib/$profile"
cd "$build"
flags="-O2 -ffunction-sections -fdata-sections -w"
../gcc/libstdc++-v3/configure --build=x86_64-pc-linux-gnu --host=x86_64-elf --target=x86_64-elf \
  --with-newlib --disable-shared --disable-nls --disable-multilib --disable-libstdcxx-pch \
  --disable-tls --disable-dependency-tracking --prefix=/ --with-gxx-include-dir=/include/c++/12 \
  CC="$tools/zvm-cc" CXX="$tools/zvm-c++" AR="$tools/zvm-ar" RANLIB="$tools/zvm-ranlib" \
  LD=ld NM=nm AS="$tools/zvm-cc" CFLAGS="$flags" CXXFLAGS="$flags" >configure.log 2>&1 ||
  { tail -20 configure.log >&2; exit 1; }
# What configure only looks for in a native build, and the guest runtime has.
for name in HAVE_S_ISREG HAVE_READLINK HAVE_SYMLINK HAVE_LINK HAVE_TRUNCATE HAVE_WRITEV HAVE_POLL \
  HAVE_GETENTROPY HAVE_DIRFD HAVE_FDOPENDIR HAVE_OPENAT HAVE_UNLINKAT HAVE_STRUCT_DIRENT_D_TYPE \
  HAVE_ALIGNED_ALLOC HAVE_POSIX_MEMALIGN HAVE_QUICK_EXIT HAVE_AT_QUICK_EXIT HAVE_STRTOLD \
  _GLIBCXX_USE_CLOCK_MONOTONIC _GLIBCXX_USE_CLOCK_REALTIME _GLIBCXX_USE_FCHMOD \
  _GLIBCXX_USE_FCHMODAT _GLIBCXX_USE_GETTIMEOFDAY _GLIBCXX_USE_NANOSLEEP _GLIBCXX_USE_REALPATH \
  _GLIBCXX_USE_ST_MTIM _GLIBCXX_USE_UTIMENSAT _GLIBCXX_USE_LSTAT _GLIBCXX_USE_DEV_RANDOM; do
  sed -i "s|^/\* #undef $name \*/\$|#define $name 1|" config.h
done
make -j"$jobs" MAKEINFO=true >make.log 2>&1 || { grep -m5 -B2 -A8 'error' make.log >&2; exit 1; }
make install DESTDIR="$PWD/install" MAKEINFO=true >install.log 2>&1
mkdir -p "$prefix/include/c++"
cp -r install/include/c++/12 "$prefix/include/c++/"
if [ -d "$prefix/include/c++/12/x86_64-elf" ]; then
  rm -rf "$prefix/include/c++/12/x86_64-zvm"
  mv "$prefix/include/c++/12/x86_64-elf" "$prefix/include/c++/12/x86_64-zvm"
fi
find install -name 'lib*.a' -exec cp {} "$prefix/lib/$profile/" \;
