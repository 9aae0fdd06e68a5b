#!/usr/bin/env bash
# QuickJS, whose sources the npm package qjsc carries: the qjs interpreter with big numbers. Threads
# do not exist here, so Worker and Atomics are switched off where its sources switch them on.
port=quickjs
. "$(dirname "$0")/../common.sh"
sources npm:qjsc@0.3.0
restored && exit 0
cd "$work/source/deps"/quickjs_*
sed -i -e 's/^#define USE_WORKER$//' quickjs-libc.c
sed -i -e '/^#define CONFIG_ATOMICS$/d' quickjs.c
flags=(-O2 -w -D_GNU_SOURCE -include malloc.h -DCONFIG_BIGNUM "-DCONFIG_VERSION=\"$(cat VERSION)\"")
# The compiler of scripts to C runs on this machine; it makes the prompt and the calculator.
cc -O0 -w -D_GNU_SOURCE -DCONFIG_BIGNUM "-DCONFIG_VERSION=\"$(cat VERSION)\"" -o "$work/qjsc" \
  qjsc.c quickjs.c quickjs-libc.c cutils.c libbf.c libregexp.c libunicode.c -lm -ldl -lpthread
"$work/qjsc" -c -o repl.c -m repl.js
"$work/qjsc" -fbignum -c -o qjscalc.c qjscalc.js
"$tools/zvm-cc" "${flags[@]}" qjs.c repl.c qjscalc.c quickjs.c quickjs-libc.c cutils.c libbf.c \
  libregexp.c libunicode.c -lm -o "$nexe"
keep "$(basename "$nexe")"
