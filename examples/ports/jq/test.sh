#!/usr/bin/env bash
# The test files of jq, run by jq itself inside the sandbox.
port=jq
. "$(dirname "$0")/../common.sh"
sources jq
cd "$work/source/tests"
for file in jq.test onig.test base64.test optional.test; do
  sandboxed "$nexe" jq -L modules --run-tests "$file" >"$work/output" 2>&1 || true
  # Each test is announced, failures follow; the last line is the tally.
  awk -v file="${file%.test}" '
    /^Testing / {
      if (name) print status, name
      sub(/^Testing ./, "")
      sub(/. at line number.*/, "")
      name = file ": " $0; status = "ok"
    }
    /^\*\*\*/ { status = "FAILED" }
    /^[0-9]+ of [0-9]+ tests passed/ { if (name) print status, name; name = "" }
    END { if (name) print "FAILED", file ": did not come to its end" }' "$work/output" \
    >>"$work/results"
done
judge
