#!/usr/bin/env bash
# Builds native/ with progress. Usage: native/build.sh [release|sanitize|fuzz] [target...]
# Build folders: native/build, native/build-sanitize, native/build-fuzz. Installs the Debian packages
# it needs when it runs as root and one is missing; otherwise it prints the command and stops.
set -euo pipefail
cd "$(dirname "$0")"
kind=${1:-release}
[ $# -gt 0 ] && shift

./packages.sh

case "$kind" in
  release) build=build; flags=() ;;
  sanitize) build=build-sanitize; flags=(-DZVM_SANITIZE=ON -DCMAKE_BUILD_TYPE=Debug) ;;
  fuzz) build=build-fuzz; flags=(-DZVM_FUZZ=ON -DZVM_SANITIZE=ON -DCMAKE_BUILD_TYPE=RelWithDebInfo) ;;
  *) echo "native/build.sh: unknown kind '$kind' (release, sanitize, fuzz)" >&2; exit 2 ;;
esac
if command -v ccache >/dev/null; then
  flags+=(-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
fi
cmake --log-level=WARNING -S . -B "$build" -G Ninja \
  -DCMAKE_C_COMPILER=clang-16 -DCMAKE_CXX_COMPILER=clang++-16 -DCMAKE_ASM_COMPILER=clang-16 \
  "${flags[@]}"
targets=()
for target in "$@"; do targets+=(--target "$target"); done
cmake --build "$build" --parallel "$(nproc)" "${targets[@]}"
