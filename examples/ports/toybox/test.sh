#!/usr/bin/env bash
# toybox's own tests of its text tools. The test scripts and the shell run here, every tool under
# test in a sandbox of its own; tools that change files have their folder brought back. With names:
# only these tools.
port=toybox
. "$(dirname "$0")/../common.sh"
sources toybox
mkdir -p "$work/bin"
tests=$work/source/tests
tool_max_s=240
names=(base64 basename cat cksum cmp comm cut diff dirname echo expand expr factor fmt fold grep
  head hexdump md5sum nl paste patch printf rev sed seq sha1sum sha256sum sort split strings tac
  tail tee test tr truncate uudecode uuencode wc xxd)
[ $# -eq 0 ] || names=("$@")
for name in "${names[@]}"; do
  [ -f "$tests/$name.test" ] || { echo "$port: no tests for $name" >&2; exit 1; }
  command_for "$nexe" "$name"
  rm -rf "$work/run"
  mkdir -p "$work/run"
  (
    cd "$work/run"
    export PATH=$work/bin:$PATH FILES=$tests/files C=$work/bin/$name CMDNAME=$name VERBOSE=all
    export LC_ALL=C.UTF-8 SANDBOX_ALSO=$tests/files SHOWPASS=PASS SHOWFAIL=FAIL SHOWSKIP=SKIP
    case $name in
      patch | sed | sort | split | tac | tee | truncate | uudecode) export SANDBOX_WRITES=1 ;;
    esac
    # shellcheck disable=SC2016
    timeout "$tool_max_s" bash -c '. "$1"; . "$2"' toybox "$work/source/scripts/runtest.sh" \
      "$tests/$name.test"
  ) >"$work/$name.log" 2>&1 </dev/null ||
    { [ $? -ne 124 ] || note 1 "$name does not end within $tool_max_s s"; }
  rm "$work/bin/$name"
  sed -n -e 's/^PASS: /ok /p' -e 's/^FAIL: /FAILED /p' "$work/$name.log" >>"$work/results"
done
judge
