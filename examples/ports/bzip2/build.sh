#!/usr/bin/env bash
# bzip2 from Debian's source package: the six comparisons of its own `make test`, inside the
# sandbox.
port=bzip2
. "$(dirname "$0")/../common.sh"
[ -d "$work/source" ] || "$ports/fetch.sh" bzip2 "$work/source"
cd "$work/source"
nexe=$work/bzip2-$profile.nexe
"$tools/zvm-cc" -O2 -w -D_FILE_OFFSET_BITS=64 blocksort.c huffman.c crctable.c randtable.c \
  compress.c decompress.c bzlib.c bzip2.c -o "$nexe"
passed=0
for i in 1 2 3; do
  level=$i
  small=()
  [ $i -eq 3 ] && small=(-s)
  run "$nexe" "$work/source/sample$i.ref" "$work/sample$i.bz2" "-$level"
  cmp "$work/sample$i.bz2" "sample$i.bz2" && passed=$((passed + 1))
  run "$nexe" "$work/source/sample$i.bz2" "$work/sample$i.back" -d "${small[@]}"
  cmp "$work/sample$i.back" "sample$i.ref" && passed=$((passed + 1))
done
echo "bzip2: $passed of 6 comparisons passed in the sandbox, profile $profile"
[ $passed -eq 6 ]
