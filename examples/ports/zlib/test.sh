#!/usr/bin/env bash
# zlib's three test programs inside the sandbox: example, infcover (every path through inflate) and
# minigzip, whose output the host's gzip must understand and the other way round.
port=zlib
. "$(dirname "$0")/../common.sh"
sources zlib
mkdir -p "$work/scratch"
cd "$work/scratch"
program() { sandboxed "$work/$1-$profile.nexe" "$@"; }

program example >"$work/example.out" 2>&1 || note 1 "example's exit status"
for line in 'uncompress(): hello, hello!' 'gzread(): hello, hello!' \
  'gzgets() after gzseek:  hello!' 'inflate(): hello, hello!' 'large_inflate(): OK' \
  'after inflateSync(): hello, hello!' 'inflate with dictionary: hello, hello!'; do
  status=0
  grep -qxF "$line" "$work/example.out" || status=1
  note $status "example: $line"
done
status=0
program infcover >"$work/infcover.out" 2>&1 || status=$?
note $status infcover
for file in deflate.c zlib.3.pdf zconf.h.in contrib/puff/zeros.raw; do
  input=$work/source/$file
  [ -f "$input" ] || continue
  for level in 1 6 9; do
    status=0
    program minigzip "-$level" <"$input" | gzip -dc | cmp - "$input" || status=1
    gzip "-$level" -c "$input" | program minigzip -d | cmp - "$input" || status=1
    note $status "minigzip -$level $file"
  done
done
judge
