#!/usr/bin/env bash
# examples/run.sh NAME...: builds every program of examples/NAME with zvm-cc or zvm-c++, runs its
# manifests in the order of their names, prints what they wrote and the last one's report, and
# compares the output with examples/NAME/expected.*. Without NAME: every example that has a manifest,
# one line each.
set -euo pipefail
cd "$(dirname "$0")/.."
out=native/build/examples
mkdir -p "$out"

build() { # NAME
  local source program
  for source in "examples/$1"/*.c "examples/$1"/*.cc; do
    [ -f "$source" ] || continue
    program=$out/$(basename "${source%.*}").nexe
    # stb: single headers that read and write images, of the package libstb-dev.
    case $source in
      *.c) native/build/zvm-cc -O2 -Wall -I/usr/include/stb "$source" -lm -o "$program" ;;
      *.cc) native/build/zvm-c++ -O2 -Wall -std=c++20 "$source" -o "$program" ;;
    esac
  done
}

# run NAME: what its sessions write is left in $out/NAME.stdout and .stderr, the report in $report.
run() {
  local manifest session
  : >"$out/$1.stdout" >"$out/$1.stderr"
  for manifest in "examples/$1"/*.manifest; do
    session=$out/$(basename "${manifest%.manifest}")
    # A manifest has absolute paths: this clone's place is filled in.
    sed "s|@root@|$PWD|g" "$manifest" >"$session.manifest"
    report=$(native/build/zvm-run "$session.manifest") || { echo "$report"; return 1; }
    cat "$session.out" >>"$out/$1.stdout"
    cat "$session.err" >>"$out/$1.stderr"
  done
}

quiet=
if [ $# -eq 0 ]; then
  quiet=1
  for manifest in examples/*/*.manifest; do
    name=$(basename "$(dirname "$manifest")")
    [ "${*: -1}" = "$name" ] || set -- "$@" "$name"
  done
fi
for name in "$@"; do
  [ "$name" != thumbnail ] || native/packages.sh examples
  build "$name"
  run "$name"
  if [ -z "$quiet" ]; then
    ! grep -qI . "$out/$name.stdout" || cat "$out/$name.stdout"
    cat "$out/$name.stderr"
    echo "-- report"
    echo "$report"
  fi
  cmp "$out/$name.stdout" "examples/$name"/expected.*
  [ "$(sed -n 3p <<<"$report")" = 0 ] || { echo "$name: exit code not 0"; exit 1; }
  echo "-- $name: output as expected"
done
