#!/usr/bin/env bash
# npm run bench -- NAME [options]: builds and runs one benchmark. `npm run bench` lists the names.
set -euo pipefail
cd "$(dirname "$0")/../.."
name=${1:-}
if [ -z "$name" ]; then
  echo "benchmarks: channel, sandbox"
  exit 2
fi
shift
native/build.sh release "bench-$name"
exec "native/build/bench-$name" "$@"
