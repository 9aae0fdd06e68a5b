#!/usr/bin/env bash
# npm run topologies -- [ROUNDS]: every topology of nodes so many times (100), under load.
set -euo pipefail
cd "$(dirname "$0")/../../.."
native/build.sh release zvm-run zvm-worker
native/guest/build.sh
TOPOLOGY_ROUNDS=${1:-100} exec node --test --test-timeout=3600000 test/service/topology/topology.test.ts
