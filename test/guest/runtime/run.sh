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

failed=0
run() { # NAME PROFILE IMAGE_TYPE
  cat >"$work/manifest" <<EOF
Version = 20130611
Program = $work/$1.nexe
Memory = 268435456, 0
Timeout = 60
Node = 1
Channel = /dev/null, /dev/stdin, 0, 0, 4096, 4096, 0, 0
Channel = $work/stdout, /dev/stdout, 0, 0, 0, 0, 100000, 10000000
Channel = $work/stderr, /dev/stderr, 0, 0, 0, 0, 100000, 10000000
Channel = $work/nvram, /dev/nvram, 1, 0, 4096, 1048576, 0, 0
Channel = $work/image.tar, /dev/image, $3, 0, 100000, 100000000, 0, 0
Channel = $work/export.tar, /dev/export, 0, 0, 0, 0, 100000, 100000000
EOF
  "$tools/zvm-run" "$work/manifest" >"$work/report" || true
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

for profile in zvm nacl; do
  for name in files system interfaces images memory printf; do
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
exit "$failed"
