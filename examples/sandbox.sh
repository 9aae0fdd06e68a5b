#!/usr/bin/env bash
# examples/sandbox.sh: the sandbox alone, without the service: a verdict, a session, a hostile
# program, and the walls around them.
set -euo pipefail
cd "$(dirname "$0")/.."
build=native/build

echo "== building the sandbox and its tools"
native/build.sh release zvm-run zvm-validate zvm_guests_asm zvm_guests_attack

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

echo
echo "== the validator judges a program"
echo "\$ $build/zvm-validate $build/guest/asm/hello.nexe"
$build/zvm-validate $build/guest/asm/hello.nexe

cat >"$work/hello.manifest" <<MANIFEST
Version = 20130611
Program = $build/guest/asm/hello.nexe
Memory = 33554432, 0
Timeout = 5
Channel = /dev/null, /dev/stdin, 0, 0, 1, 1, 0, 0
Channel = $work/stdout, /dev/stdout, 0, 1, 0, 0, 100, 10000
Channel = /dev/null, /dev/stderr, 0, 0, 0, 0, 100, 10000
MANIFEST
echo
echo "== a session: manifest, output, report"
sed 's/^/  /' "$work/hello.manifest"
echo "\$ $build/zvm-run hello.manifest"
$build/zvm-run "$work/hello.manifest"
echo "its standard output:"
sed 's/^/  /' "$work/stdout"

echo
echo "== a copy of this repository's largest text through a guest"
input=$(ls -S docs/*.md | head -n 1)
cat >"$work/copy.manifest" <<MANIFEST
Version = 20130611
Program = $build/guest/bench/copy.nexe
Memory = 33554432, 0
Timeout = 5
Channel = $PWD/$input, /dev/stdin, 0, 1, 1000, 100000000, 0, 0
Channel = $work/copy, /dev/stdout, 0, 1, 0, 0, 1000, 100000000
Channel = /dev/null, /dev/stderr, 0, 0, 0, 0, 100, 10000
MANIFEST
native/build.sh release zvm_guests_bench >/dev/null
$build/zvm-run --report json "$work/copy.manifest"
cmp "$input" "$work/copy" && echo "$input arrived unchanged, and the etags agree"

echo
echo "== a hostile program: it tries the system call execve"
$build/zvm-validate $build/guest/attack/syscall-execve.nexe || true
sed "s|asm/hello|attack/syscall-execve|" "$work/hello.manifest" >"$work/hostile.manifest"
$build/zvm-run "$work/hostile.manifest" || echo "(refused, exit status $?)"

echo
echo "== the walls around every session"
$build/zvm-run --show-lockdown
