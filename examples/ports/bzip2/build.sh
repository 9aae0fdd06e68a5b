#!/usr/bin/env bash
# bzip2 and bzip2recover from Debian's source package.
port=bzip2
. "$(dirname "$0")/../common.sh"
sources bzip2
restored && exit 0
cd "$work/source"
flags=(-O2 -w -D_FILE_OFFSET_BITS=64)
"$tools/zvm-cc" "${flags[@]}" blocksort.c huffman.c crctable.c randtable.c compress.c decompress.c \
  bzlib.c bzip2.c -o "$nexe"
"$tools/zvm-cc" "${flags[@]}" bzip2recover.c -o "$work/bzip2recover-$profile.nexe"
keep "$(basename "$nexe")" "bzip2recover-$profile.nexe"
