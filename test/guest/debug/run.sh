#!/usr/bin/env bash
# Debugging as docs/toolchain.md has it: a fault's place from the report, and gdb attached to a
# running guest. Needs the sysroot of build:guest.
set -euo pipefail
cd "$(dirname "$0")"
../../../native/packages.sh debug
tools=$(cd ../../../native/build && pwd)
work=$(mktemp -d)
guest=0
trap '[ "$guest" = 0 ] || kill "$guest" 2>/dev/null || true; rm -rf "$work"' EXIT
failed=0

line_of() { grep -n "/\* $2 \*/" "$1" | cut -d: -f1; }

manifest() { # NEXE
  cat <<END
Version = 20130611
Program = $work/$1
Memory = 67108864, 0
Timeout = 60
Node = 1
Channel = /dev/null, /dev/stdin, 0, 0, 4096, 4096, 0, 0
Channel = $work/stdout, /dev/stdout, 0, 0, 0, 0, 4096, 4096
Channel = $work/stderr, /dev/stderr, 0, 0, 0, 0, 4096, 4096
END
}

# expect WHAT FILE PATTERN...: each pattern is in one of the file's lines.
expect() {
  local what=$1 file=$2 pattern
  shift 2
  for pattern in "$@"; do
    grep -qE -- "$pattern" "$file" && continue
    echo "FAILED $what: no line matches '$pattern' in:"
    cat "$file"
    failed=1
    return
  done
  echo "ok $what"
}

for profile in zvm nacl; do
  for level in -O0 -O2; do
    "$tools/zvm-cc" --profile "$profile" "$level" -g fault.c -o "$work/fault.nexe"
    manifest fault.nexe >"$work/manifest"
    for form in json classic; do
      flags=()
      [ "$form" = json ] && flags=(--report json)
      "$tools/zvm-run" --profile "$profile" "${flags[@]}" "$work/manifest" >"$work/report" || true
      "$tools/zvm-symbolize" "$work/fault.nexe" "$work/report" >"$work/where"
      patterns=('^signal 11 \(SEGV\) at 0x000[0-9a-f]{5}$'
        "^Store at .*/fault\.c:$(line_of fault.c FAULT)$"
        "\(inlined by\) Fill.* at .*/fault\.c:$(line_of fault.c INLINED)$")
      [ "$form" = json ] && patterns+=('rbx +0x5eed ' 'rsp +0xfff[0-9a-f]{5}')
      expect "fault ($profile, $level, $form)" "$work/where" "${patterns[@]}"
    done
  done
done

# Where a process may not be traced, gdb itself says so.
if gdb -batch -ex run --args /bin/true 2>&1 | grep -qiE 'not permitted|could not trace'; then
  echo "skipped: gdb, processes may not be traced here"
  exit "$failed"
fi
window=0x440a00000000 # where every session's window is; docs/toolchain.md, Debugging
for profile in zvm nacl; do
  "$tools/zvm-cc" --profile "$profile" -O1 -g attach.c -o "$work/attach.nexe"
  manifest attach.nexe >"$work/manifest"
  rm -f "$work/stdout"
  "$tools/zvm-run" --profile "$profile" "$work/manifest" >"$work/report" &
  guest=$!
  for _ in {1..300}; do
    grep -qs waiting "$work/stdout" && break
    sleep 0.1
  done
  timeout 60 gdb -nx -batch -p "$guest" -ex "add-symbol-file $work/attach.nexe -o $window" \
    -ex 'break Work' -ex 'set variable released = 1' -ex continue -ex backtrace -ex 'print answer' \
    -ex 'print step' -ex finish -ex 'print answer' -ex 'delete' -ex detach >"$work/gdb" 2>&1 </dev/null || true
  wait "$guest" || true
  guest=0
  expect "gdb ($profile)" "$work/gdb" \
    "^#0 .*Work \(.*step@entry=2\) at .*attach\.c:$(line_of attach.c BREAK)$" \
    "^#1 .*main \(\) at .*attach\.c:$(line_of attach.c CALL)$" '^\$1 = 40$' '^\$2 = 2$' '= 42$'
  expect "after gdb ($profile)" "$work/stdout" '^answer 42$'
done
exit "$failed"
