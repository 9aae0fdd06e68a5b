#!/usr/bin/env bash
# Builds projects for the sandbox the way their users do, and runs what comes out: a CMake project
# with the toolchain file, in both profiles and twice (the second time nothing is left to do).
# ./configure projects are the ports of examples/ports (zlib: by hand, jq: autoconf).
set -euo pipefail
cd "$(dirname "$0")"
tools=$(cd ../../../native/build && pwd)
toolchain=$(cd ../../../native/guest && pwd)/zvm.toolchain.cmake
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for profile in zvm nacl; do
  build=$work/$profile
  export ZVM_PROFILE=$profile
  cmake -S cmake -B "$build" -G Ninja -DCMAKE_TOOLCHAIN_FILE="$toolchain" \
    -DCMAKE_BUILD_TYPE=Release >"$work/log" 2>&1 && cmake --build "$build" >>"$work/log" 2>&1 ||
    { cat "$work/log"; exit 1; }
  cmake --build "$build" | grep -q 'no work to do' || { echo "FAILED: built twice"; exit 1; }
  cat >"$work/manifest" <<END
Version = 20130611
Program = $build/greet.nexe
Memory = 67108864, 0
Timeout = 10
Node = 1
Channel = /dev/null, /dev/stdin, 0, 0, 4096, 4096, 0, 0
Channel = $work/stdout, /dev/stdout, 0, 0, 0, 0, 4096, 4096
Channel = $work/stderr, /dev/stderr, 0, 0, 0, 0, 4096, 4096
END
  "$tools/zvm-run" --profile "$profile" "$work/manifest" >"$work/report" || true
  if [ "$(cat "$work/stdout")" != "hello from CMake, 4" ]; then
    echo "FAILED: CMake project ($profile)"
    cat "$work/stdout" "$work/stderr" "$work/report"
    exit 1
  fi
  echo "ok CMake project ($profile)"
done
