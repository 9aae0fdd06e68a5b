#!/usr/bin/env bash
# libstdcxx.sh PROFILE PREFIX WORK: the C++ standard library with exceptions and RTTI, from gcc-12-source.
set -euo pipefail
profile=$1 prefix=$2 work=$3
here=$(cd "$(dirname "$0")" && pwd)
tools=$(cd "$here/../../build" && pwd)
jobs=${ZVM_JOBS:-$(nproc)}
export ZVM_PROFILE=$profile
"$here/gcc-source.sh" "$work"
build=$work/libstdcxx-$profile

mkdir -p "$build" "$prefix/lib/$profile"
cd "$build"
flags="-O2 -ffunction-sections -fdata-sections -w"
../gcc/libstdc++-v3/configure --build=x86_64-pc-linux-gnu --host=x86_64-elf --target=x86_64-elf \
  --with-newlib --disable-shared --disable-nls --disable-multilib --disable-libstdcxx-pch \
  --disable-tls --disable-dependency-tracking --prefix=/ --with-gxx-include-dir=/include/c++/12 \
  CC="$tools/zvm-cc" CXX="$tools/zvm-c++" AR="$tools/zvm-ar" RANLIB="$tools/zvm-ranlib" \
  LD=ld NM=nm AS="$tools/zvm-cc" CFLAGS="$flags" CXXFLAGS="$flags" >configure.log 2>&1 ||
  { tail -20 configure.log >&2; exit 1; }
make -j"$jobs" MAKEINFO=true >make.log 2>&1 || { grep -m5 -B2 -A8 'error' make.log >&2; exit 1; }
make install DESTDIR="$PWD/install" MAKEINFO=true >install.log 2>&1
mkdir -p "$prefix/include/c++"
cp -r install/include/c++/12 "$prefix/include/c++/"
if [ -d "$prefix/include/c++/12/x86_64-elf" ]; then
  rm -rf "$prefix/include/c++/12/x86_64-zvm"
  mv "$prefix/include/c++/12/x86_64-elf" "$prefix/include/c++/12/x86_64-zvm"
fi
find install -name 'lib*.a' -exec cp {} "$prefix/lib/$profile/" \;
