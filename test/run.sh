#!/usr/bin/env bash
# `npm test`: sets up, builds and runs every test. Progress goes to the terminal as it happens.
set -euo pipefail
cd "$(dirname "$0")/.."

echo "== build"
native/build.sh release

echo "== unit and conformance tests"
ctest --test-dir native/build --output-on-failure --parallel "$(nproc)"
