#!/usr/bin/env bash
# gcc-source.sh WORK: unpacks the parts of gcc-12-source that the guest libraries are made of, once.
set -euo pipefail
work=$1
[ -f "$work/gcc/.unpacked" ] && exit 0
mkdir -p "$work/gcc"
top=gcc-12.2.0
tar -C "$work/gcc" --strip-components=1 -xf /usr/src/gcc-12/gcc-12.2.0-dfsg.tar.xz \
  $top/libgcc $top/libiberty $top/libstdc++-v3 $top/include $top/config \
  $top/gcc/tsystem.h $top/gcc/coretypes.h $top/gcc/BASE-VER $top/gcc/DATESTAMP $top/config.sub \
  $top/config.guess \
  $top/install-sh \
  $top/ltmain.sh $top/missing $top/mkinstalldirs $top/config-ml.in $top/libtool.m4 $top/compile \
  $top/depcomp $top/configure
rm -rf "$work"/gcc/libstdc++-v3/testsuite/[0-9]*_* # by far the largest part
touch "$work/gcc/.unpacked"
