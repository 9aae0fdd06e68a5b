#!/usr/bin/env bash
# SQLite inside the sandbox: test.sql through the shell, on a database file in the sandbox's file
# tree, and the regression collections of `make fuzztest` through fuzzcheck (all of them with
# ZVM_PORTS_LONG=1, minutes; else the smallest).
port=sqlite
. "$(dirname "$0")/../common.sh"
sources sqlite3
export SANDBOX_MEMORY=1073741824 SANDBOX_TIMEOUT=900
cd "$ports/sqlite"
sandboxed "$nexe" sqlite -bail /tmp/test.db <test.sql >"$work/output" 2>&1 || true
# One check for each line of the expected output.
diff --unchanged-line-format='ok %dn: %L' --old-line-format='FAILED %dn: %L' \
  --new-line-format='' expected.txt "$work/output" | sed 's/ \([0-9]*\): / test.sql \1: /' \
  >>"$work/results" || true
cd "$work/source/test"
collections=(fuzzdata6.db)
[ -z "${ZVM_PORTS_LONG-}" ] || collections=(fuzzdata?.db)
for collection in "${collections[@]}"; do
  mkdir -p "$work/scratch"
  rm -f "$work"/scratch/*
  cp "$collection" "$work/scratch/"
  cd "$work/scratch"
  status=0
  sandboxed "$work/fuzzcheck-$profile.nexe" fuzzcheck "$collection" \
    >"$work/output" 2>&1 || status=$?
  tail -n 3 "$work/output"
  # `fuzzcheck: 0 errors out of N tests in …`: each script is one test.
  sed -n 's/^fuzzcheck: 0 errors out of \([0-9]*\) tests.*/\1/p' "$work/output" |
    xargs -r seq -f "ok $collection %g" >>"$work/results"
  note $status "$collection"
  cd "$work/source/test"
done
judge
