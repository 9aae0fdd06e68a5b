#!/usr/bin/env bash
# examples/run.sh NAME: builds examples/NAME with zvm-cc or zvm-c++, runs it from its manifest,
# prints what it wrote and the session's report.
set -euo pipefail
name=$1
cd "$(dirname "$0")/.."
out=native/build/examples
mkdir -p "$out"
if [ -f "examples/$name/$name.c" ]; then
  native/build/zvm-cc -O2 "examples/$name/$name.c" -lm -o "$out/$name.nexe"
else
  native/build/zvm-c++ -O2 -std=c++20 "examples/$name/$name.cc" -o "$out/$name.nexe"
fi
# A manifest has absolute paths: this clone's place is filled in.
sed "s|@root@|$PWD|g" "examples/$name/$name.manifest" >"$out/$name.manifest"
report=$(native/build/zvm-run "$out/$name.manifest") || status=$?
cat "$out/$name.out" "$out/$name.err"
echo "-- report"
echo "$report"
exit "${status:-0}"
