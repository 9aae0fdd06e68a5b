#!/usr/bin/env bash
# npm run bench -- NAME [options]: builds and runs one benchmark. `npm run bench` lists the names.
set -euo pipefail
cd "$(dirname "$0")/../.."
name=${1:-}
if [ -z "$name" ]; then
  echo "benchmarks: channel, sandbox, worker, snapshot (native); http, memo, group, million, density, stream, graph, soak (the service); guest (compiled programs)"
  exit 2
fi
shift
if [ "$name" = guest ]; then
  native/packages.sh bench
  native/build.sh release zvm-cc zvm-validate zvm-run
  native/guest/build.sh
  [ -d node_modules/node ] || npm ci --no-audit --no-fund
  exec node test/bench/guest/main.ts "$@"
fi
if [ -f "test/bench/http/$name.ts" ]; then
  native/build.sh release
  # Its nodes are compiled programs, beside the same for the host.
  [ "$name" = graph ] && native/packages.sh bench && native/guest/build.sh
  exec node "test/bench/http/$name.ts" "$@"
fi
native/build.sh release "bench-$name"
if [ "$name" = snapshot ]; then
  native/packages.sh bench
  native/build.sh release zvm-cc zvm-validate
  native/guest/build.sh
  examples/ports/lua/build.sh
fi
exec "native/build/bench-$name" "$@"
