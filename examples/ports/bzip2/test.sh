#!/usr/bin/env bash
# The six comparisons of bzip2's `make test`, the integrity check, and the recovery of a damaged
# archive, inside the sandbox.
port=bzip2
. "$(dirname "$0")/../common.sh"
sources bzip2
cd "$work/source"
check() { # NAME COMMAND...
  local status=0
  "${@:2}" >"$work/output" 2>&1 || status=$?
  note $status "$1"
}
for i in 1 2 3; do
  small=()
  [ $i -eq 3 ] && small=(-s)
  sandboxed "$nexe" bzip2 "-$i" <"sample$i.ref" >"$work/sample.bz2"
  check "compress sample$i" cmp "$work/sample.bz2" "sample$i.bz2"
  sandboxed "$nexe" bzip2 -d "${small[@]}" <"sample$i.bz2" >"$work/sample.ref"
  check "decompress sample$i" cmp "$work/sample.ref" "sample$i.ref"
  check "test sample$i" sandboxed "$nexe" bzip2 -t "sample$i.bz2"
done
rm -rf "$work/scratch"
mkdir "$work/scratch"
cd "$work/scratch"
cat ../source/*.c ../source/*.c >text
SANDBOX_WRITES=1 check "compress a file in place" sandboxed "$nexe" bzip2 -1 text
check "the file took its place" test -f text.bz2 -a ! -f text
SANDBOX_WRITES=1 check recover sandboxed "$work/bzip2recover-$profile.nexe" bzip2recover text.bz2
bzip2 -dc rec*text.bz2 >"$work/recovered"
check "recovered blocks" cmp "$work/recovered" <(cat ../source/*.c ../source/*.c)
judge
