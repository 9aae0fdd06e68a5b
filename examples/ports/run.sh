#!/usr/bin/env bash
# examples/ports/run.sh [NAME...]: fetches, builds and tests these ports (all of them by default);
# prints `NAME passed/total` for each. The first time takes minutes; finished programs are cached.
set -euo pipefail
cd "$(dirname "$0")"
names=("$@")
[ $# -gt 0 ] || names=(*/)
../../native/packages.sh ports
failed=()
for name in "${names[@]%/}"; do
  start=$SECONDS
  log=../../native/build/ports/$name.log
  mkdir -p "$(dirname "$log")"
  if "$name/build.sh" >"$log" 2>&1 && "$name/test.sh" >>"$log" 2>&1; then
    tail -n 1 "$log"
  else
    failed+=("$name")
    tail -n 25 "$log"
  fi
  echo "   $name: $((SECONDS - start)) s"
done
[ ${#failed[@]} -eq 0 ] || { echo "ports failed: ${failed[*]}" >&2; exit 1; }
