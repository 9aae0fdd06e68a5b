#!/usr/bin/env bash
# Runs one fuzzer by name, longer than CI does. Usage: test/fuzz/run.sh NAME [SECONDS] [ARGUMENT...]
# differential: the validator against the oracle, no libFuzzer; further arguments go to
# zvm-differential (--profile, --seed, --sweep). guided: the same comparison under libFuzzer. Any
# other name: the libFuzzer target fuzz_NAME with its seeds; corpus and findings in native/build-fuzz.
set -euo pipefail
cd "$(dirname "$0")/../.."
if [ $# -lt 1 ]; then
  echo "usage: test/fuzz/run.sh NAME [SECONDS] [ARGUMENT...]" >&2
  echo "names: $(cd test/fuzz && ls -d */ | tr -d '/' | tr '\n' ' ')" >&2
  exit 2
fi
name=$1
seconds=${2:-60}
shift; [ $# -gt 0 ] && shift

if [ "$name" = differential ]; then
  native/build.sh release zvm-differential
  exec nice native/build/zvm-differential --seconds "$seconds" --tables test/conformance \
    --regressions test/fuzz/differential/regressions.txt "$@"
fi

if [ "$name" = guided ]; then name=differential; fi
native/build.sh fuzz "fuzz_$name"
corpus=native/build-fuzz/corpus/$name
findings=native/build-fuzz/findings/$name
mkdir -p "$corpus" "$findings"
arguments=(-max_total_time="$seconds" -artifact_prefix="$findings/" -print_final_stats=1)
for dictionary in test/fuzz/"$name"/*.dict; do
  [ -f "$dictionary" ] && arguments+=(-dict="$dictionary")
done
seeds=()
[ -d "test/fuzz/$name/seeds" ] && seeds+=("test/fuzz/$name/seeds")
exec nice "native/build-fuzz/fuzz_$name" "${arguments[@]}" "$@" "$corpus" "${seeds[@]}"
