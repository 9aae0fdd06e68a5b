#!/usr/bin/env bash
# GNU grep from its Debian source package: its own configure and make.
port=grep
. "$(dirname "$0")/../common.sh"
sources grep
restored && exit 0
rm -rf "$work/build"
mkdir "$work/build"
cd "$work/build"
"$work/source/configure" --host=x86_64-elf CC="$tools/zvm-cc" AR="$tools/zvm-ar" CFLAGS="-O2 -w" \
  RANLIB="$tools/zvm-ranlib" --disable-nls --disable-perl-regexp --disable-threads
make -C lib
make -C src grep
"$tools/zvm-cc" -O2 -w -I. -I"$work/source" -Ilib -I"$work/source/lib" \
  "$work/source/tests/get-mb-cur-max.c" lib/libgreputils.a -o "$work/get-mb-cur-max-$profile.nexe"
mv src/grep "$nexe"
keep {grep,get-mb-cur-max}-"$profile.nexe"
