#!/usr/bin/env bash
# zstd inside the sandbox: its golden files, round trips over its sources at many levels, and (with
# ZVM_PORTS_LONG=1, minutes) the unit tests of its programs fuzzer and zstreamtest with a bounded
# number of random iterations from a fixed seed.
port=zstd
. "$(dirname "$0")/../common.sh"
sources libzstd
cd "$work/source/tests"
export SANDBOX_MEMORY=1073741824 SANDBOX_TIMEOUT=600
trip() { # NAME INPUT FLAG...
  local status=0
  (cd golden-dictionaries && sandboxed "$nexe" zstd "${@:3}" -c) <"$2" >"$work/packed" &&
    (cd golden-dictionaries && sandboxed "$nexe" zstd -d -c "${@:4}") <"$work/packed" |
    cmp - "$2" || status=1
  note $status "$1"
}
cat ../lib/*/*.c >"$work/all"
head -c 1500000 "$work/all" >"$work/input"
for level in 1 2 3 5 7 9 12 15 19; do trip "round trip -$level" "$work/input" "-$level"; done
trip "round trip --fast=5" "$work/input" --fast=5
trip "round trip --long" "$work/input" --long=27
for file in golden-compression/*; do trip "$file" "$file" -19; done
trip "with a dictionary" golden-compression/http -3 -Dhttp-dict-missing-symbols
for file in golden-decompression/*; do
  status=0
  (cd golden-dictionaries && sandboxed "$nexe" zstd -d -c) <"$file" >"$work/output" || status=$?
  note $status "$file"
done
if [ -n "${ZVM_PORTS_LONG-}" ]; then
  cd golden-dictionaries
  for program in "fuzzer -v -s5346 -i60" "zstreamtest -v -s1 -i40"; do
    status=0
    # shellcheck disable=SC2086
    sandboxed "$work/${program%% *}-$profile.nexe" $program >"$work/output" 2>&1 || status=$?
    # Every unit test is announced as `testN : what it does : result`.
    sed -n 's/^ *test *\([0-9]*\)[^:]*: *\(.*[^ ]\) *: .*$/ok \1 \2/p' "$work/output" |
      sed "s/^ok /ok ${program%% *} /" >>"$work/results"
    note $status "$program"
  done
fi
judge
