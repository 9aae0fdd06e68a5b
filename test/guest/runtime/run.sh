#!/usr/bin/env bash
# Compiles and runs the guest tests of this folder in both profiles; needs the sysroot of
# build:guest.
set -euo pipefail
cd "$(dirname "$0")"
tools=$(cd ../../../native/build && pwd)
work=$tools/guest-tests
mkdir -p "$work"

cat >"$work/nvram" <<'EOF'
[args]
args = test "two words" a\x2cb ""
[env]
name=LIST, value=1\x2c2\x2c3
name=HOME, value=/home/user
name=UID, value=7
[time]
seconds=1400000000
[fstab]
channel=/dev/image, mountpoint=/image, access=ro
channel=/dev/export, mountpoint=/image, access=wo
EOF

# The image: modes, times, a hard and a soft link, a name too long for ustar, a larger file.
rm -rf "$work/tree" "$work/exported"
mkdir -p "$work/tree/deep/$(printf 'x%.0s' {1..180})" "$work/exported"
echo plain >"$work/tree/plain.txt"
chmod 640 "$work/tree/plain.txt"
ln "$work/tree/plain.txt" "$work/tree/hard"
ln -s plain.txt "$work/tree/soft"
echo long >"$work/tree/deep/$(printf 'x%.0s' {1..180})/long.txt"
head -c 300000 /dev/zero | tr '\0' B >"$work/tree/big"
touch -d @1000000000 "$work/tree/plain.txt"
tar -C "$work/tree" --sort=name -cf "$work/image.tar" .

# The binary-safe form: `record KIND BYTES...` with printf's escapes, \0 between fields.
record() {
  printf '%b' "$2" >"$work/record"
  printf '%s %d:' "$1" "$(stat -c %s "$work/record")"
  cat "$work/record"
  echo
}
{
  echo "zvm-nvram 1"
  record args program
  record args 'two\nlines, a=b # "quoted" [args]'
  record args ''
  record args ' blanks '
  record args '\\x41 \0377\01'
  record args "$(head -c 300000 /dev/zero | tr '\0' A)"
  record args 'last 5:args'
  record env 'LINES\0one\ntwo=2\n'
  record env 'EMPTY\0'
  record env 'EQUALS\0=a=b='
  record env "LARGE\\0$(head -c 200000 /dev/zero | tr '\0' E)"
  for i in {1..1000}; do printf 'env %d:N%d\0%d\n' "$((2 + 2 * ${#i}))" "$i" "$i"; done
  record mapping '/dev/stdin\0char'
  record time 1500000000
  record seed 'any \0 bytes'
} >"$work/nvram.binary"

failed=0
session() { # NAME IMAGE_TYPE NVRAM [INPUT] [OPTION...]
  cat >"$work/manifest" <<EOF
Version = 20130611
Program = $work/$1.nexe
Memory = 268435456, 0
Timeout = 60
Node = 1
Channel = ${4:-/dev/null}, /dev/stdin, 0, 0, 4096, 4096, 0, 0
Channel = $work/stdout, /dev/stdout, 0, 0, 0, 0, 100000, 10000000
Channel = $work/stderr, /dev/stderr, 0, 0, 0, 0, 100000, 10000000
Channel = $work/$3, /dev/nvram, ${nvram_type:-1}, 0, 4096, 1048576, 0, 0
Channel = $work/image.tar, /dev/image, $2, 0, 100000, 100000000, 0, 0
Channel = $work/export.tar, /dev/export, 0, 0, 0, 0, 100000, 100000000
EOF
  "$tools/zvm-run" "${@:5}" "$work/manifest" >"$work/report" || true
}

run() { # NAME PROFILE IMAGE_TYPE [NVRAM]
  session "$1" "$3" "${4:-nvram}"
  if [ "$(sed -n 3p "$work/report")" = 0 ] && [ "$(sed -n 6p "$work/report")" = ok ]; then
    echo "ok $1 ($2, image channel type $3)"
  else
    echo "FAILED $1 ($2, image channel type $3)"
    cat "$work/stdout" "$work/stderr" "$work/report"
    failed=1
  fi
}

check_export() {
  rm -rf "$work/exported"
  mkdir "$work/exported"
  tar -C "$work/exported" -xpf "$work/export.tar"
  local top=$work/exported/image
  [ "$(cat "$top/new/link")" = made ] && [ "$(stat -c %a "$top/new")" = 711 ] &&
    [ "$(stat -c %h "$top/new/file")" = 2 ] && [ ! -e "$top/plain.txt" ] &&
    [ "$(cat "$top/hard")" = plain ] && [ "$(stat -c %Y "$top/hard")" = 1000000000 ] &&
    [ "$(tr -d B <"$top/big")" = C ] && [ "$(cat "$top"/deep/x*/long.txt)" = long ] &&
    echo "ok export" || { echo "FAILED export"; failed=1; }
}

# The program as the loader makes it on a processor without AVX2: halts in place of the instruction
# that the C library looks at (native/guest/runtime/memory_wide.h). It is valid there, too.
narrow() {
  local at offset
  "$tools/zvm-validate" --load --features=-AVX2,AVX,FMA --profile "$2" "$work/$1.nexe" >/dev/null
  at=$((0x$("$tools/zvm-nm" "$work/$1.nexe" | sed -n 's/ T zvm_wide_instruction$//p')))
  offset=$(readelf -lW "$work/$1.nexe" | awk '$1 == "LOAD" { print $2; exit }')
  printf '\xf4\xf4\xf4\xf4\xf4' |
    dd of="$work/$1.nexe" bs=1 seek=$((at - 0x20000 + offset)) conv=notrunc status=none
}

# A malformed binary nvram ends the session before main.
refused() { # NAME RECORDS, with printf's escapes
  { echo "zvm-nvram 1"; printf '%b' "$2"; } >"$work/nvram.refused"
  session binary_nvram 1 nvram.refused
  if [ "$(sed -n 3p "$work/report")" = 126 ]; then
    echo "ok refused: $1"
  else
    echo "FAILED refused: $1"
    failed=1
  fi
}

# A session through its checkpoint, and one that starts there, which was made without arguments,
# environment and input: they say the same and end the same way.
checkpoint() { # PROFILE IMAGE_TYPE NVRAM_TYPE
  local nvram_type=$3
  printf 'line one\nline two\n' >"$work/input"
  printf '[fstab]\nchannel=/dev/image, mountpoint=/image, access=ro\n' >"$work/nvram.make"
  rm -f "$work/snapshot"
  session checkpoint "$2" nvram "$work/input"
  cat "$work/stdout" >"$work/without"
  local code
  code=$(sed -n 3p "$work/report")
  session checkpoint "$2" nvram.make /dev/null --make-snapshot "$work/snapshot"
  session checkpoint "$2" nvram "$work/input" --snapshot "$work/snapshot"
  if [ "$code" = 42 ] && [ "$(sed -n 3p "$work/report")" = 42 ] && [ ! -s "$work/stderr" ] &&
    grep -q '^input: line' "$work/stdout" && cmp -s "$work/without" "$work/stdout"; then
    echo "ok checkpoint ($1, image channel type $2, nvram channel type $3)"
  else
    echo "FAILED checkpoint ($1, image channel type $2, nvram channel type $3)"
    diff "$work/without" "$work/stdout" || true
    cat "$work/stderr" "$work/report"
    failed=1
  fi
}

for profile in zvm nacl; do
  "$tools/zvm-cc" --profile "$profile" -O2 -g -Wall checkpoint.c -o "$work/checkpoint.nexe"
  for type in 0 1; do
    checkpoint "$profile" "$type" 1
    checkpoint "$profile" "$type" 0
  done
  for name in files system interfaces library images memory passed_on printf; do
    "$tools/zvm-cc" --profile "$profile" -O2 -g -Wall "$name.c" -lm -o "$work/$name.nexe"
    run "$name" "$profile" 1
    [ "$name" = images ] && check_export
  done
  run images "$profile" 0
  narrow memory "$profile"
  run memory "$profile" 1
  "$tools/zvm-c++" --profile "$profile" -std=c++17 -O2 -g -Wall objects.cc -o "$work/objects.nexe"
  run objects "$profile" 1
done

# malloc works wherever the program's data ends: here, so that the first growth ends at a page.
heap_start() {
  local pad=64 end wanted=$((0xf80))
  for attempt in first second; do
    "$tools/zvm-cc" -O2 "-DPAD=$pad" heap_start.c -o "$work/heap_start.nexe"
    end=$((0x$("$tools/zvm-nm" "$work/heap_start.nexe" | sed -n 's/ B _end$//p') % 4096))
    [ "$attempt" = second ] || pad=$((pad + (wanted - end + 4096) % 4096))
  done
  [ "$end" = "$wanted" ] || { echo "FAILED heap_start: data ends at $end"; failed=1; }
  run heap_start zvm 1
}
heap_start

"$tools/zvm-cc" -O2 -g -Wall binary_nvram.c -o "$work/binary_nvram.nexe"
run binary_nvram zvm 1 nvram.binary
refused "longer than the file" 'args 10:short\n'
refused "no newline behind the bytes" 'args 2:abcd\n'
refused "no length" 'args :\n'
refused "length beyond 32 bits" 'args 4294967297:a\n'
refused "negative length" 'args -1:a\n'
refused "unknown kind" 'arg 1:a\n'
refused "variable without value" 'env 1:A\n'
refused "name of a variable with =" 'env 5:A=B\0C\n'
refused "variable without name" 'env 2:\0C\n'
refused "a zero byte in an argument" 'args 3:a\0b\n'
refused "a field too many" 'env 5:A\0B\0C\n'
refused "time that is no number" 'time 1:x\n'
refused "text behind the last record" 'args 1:a\ntail'
exit "$failed"
