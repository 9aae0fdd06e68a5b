#!/usr/bin/env bash
# zlib from Debian's source package: its own configure and make with zvm-cc.
port=zlib
. "$(dirname "$0")/../common.sh"
sources zlib
restored && exit 0
cd "$work/source"
CC="$tools/zvm-cc --profile $profile" AR=$tools/zvm-ar RANLIB=$tools/zvm-ranlib CHOST=x86_64-elf \
  ./configure --static
make -s clean
make -s CC="$tools/zvm-cc --profile $profile" libz.a example minigzip
"$tools/zvm-cc" -O2 -w -I. test/infcover.c libz.a -o infcover
for name in example minigzip infcover; do mv "$name" "$work/$name-$profile.nexe"; done
keep {example,minigzip,infcover}-"$profile.nexe"
