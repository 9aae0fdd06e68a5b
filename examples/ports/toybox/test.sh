#!/usr/bin/env bash
# toybox's own tests of its text tools. The test scripts and the shell run here, every tool under
# test in a sandbox of its own; tools that change files have their folder brought back. Without a
# name: the tools whose tests are known to end.
port=toybox
. "$(dirname "$0")/../common.sh"
sources toybox
mkdir -p "$work/bin"
tests=$work/source/tests
names=(base64 basename)
[ $# -eq 0 ] || names=("$@")
for name in "${names[@]}"; do
  [ -f "$tests/$name.test" ] || { echo "$port: no tests for $name" >&2; exit 1; }
  command_for "$nexe" "$name"
  rm -rf "$work/run"
  mkdir -p "$work/run"
  (
    cd "$work/run"
    export PATH=$work/bin:$PATH FILES=$tests/files C=$work/bin/$name CMDNAME=$name VERBOSE=all
    export SANDBOX_ALSO=$tests/files SHOWPASS=PASS SHOWFAIL=FAIL SHOWSKIP=SKIP
    case $name in
      sed | sort | tac | uudecode) export SANDBOX_WRITES=1 ;;
    esac
    set +eu
    # shellcheck disable=SC1091
    . "$work/source/scripts/runtest.sh"
    # shellcheck disable=SC1090
    . "$tests/$name.test"
  ) >"$work/$name.log" 2>&1 </dev/null || true
  rm "$work/bin/$name"
  sed -n -e 's/^PASS: /ok /p' -e 's/^FAIL: /FAILED /p' "$work/$name.log" >>"$work/results"
done
judge
