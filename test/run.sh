#!/usr/bin/env bash
# `npm test`: sets up, builds and runs every test. Progress goes to the terminal as it happens.
# The product, guests in C and C++, the service over HTTP; the native tests again under
# AddressSanitizer and UndefinedBehaviorSanitizer; every fuzz target for FUZZ_SECONDS each (10 by
# default; longer by hand: npm run fuzz -- NAME 600).
set -euo pipefail
cd "$(dirname "$0")/.."
jobs=$(nproc)

echo "== build (native/build)"
native/build.sh release

echo "== unit, conformance, attack and differential tests"
ctest --test-dir native/build --output-on-failure --parallel "$jobs"

echo "== guest libraries and programs (the first time some minutes; cached afterwards)"
npm run --silent build:guest
test/guest/runtime/run.sh
test/guest/size.sh
examples/run.sh
examples/ports/run.sh bzip2 zlib jq

echo "== the service: dependencies, lint, unit tests, real HTTP against real sandboxes"
[ -d node_modules/fastify ] || npm ci --no-audit --no-fund
npm run --silent lint
npm run --silent test:service

echo "== a slice of GCC's C torture suite; determinism; build systems; debugging (whole: npm run torture)"
npm run --silent torture -- -O0 -O2 -O3 --every 40
npm run --silent torture -- -O2 --profile nacl --every 160
npm run --silent determinism -- 50
test/guest/build-systems/run.sh
test/guest/debug/run.sh
test/demo.sh

echo "== kernels of the guest bench: the same output natively and in the sandbox"
npm run --silent bench -- guest --smoke

echo "== build with sanitizers and fuzz targets (native/build-fuzz)"
native/build.sh fuzz

echo "== the same tests under sanitizers"
ctest --test-dir native/build-fuzz --output-on-failure --parallel "$jobs"

echo "== fuzz targets, ${FUZZ_SECONDS:-10} seconds each"
for target in test/fuzz/*/; do
  name=$(basename "$target")
  [ "$name" = differential ] && name=guided
  echo "-- $name"
  test/fuzz/run.sh "$name" "${FUZZ_SECONDS:-10}" 2>&1 | grep -E 'stat::number_of_executed_units|ERROR|SUMMARY'
done
echo "== all stages passed"
