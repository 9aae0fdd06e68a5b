#!/usr/bin/env bash
# test/demo.sh: npm run demo as a newcomer runs it, then the lines that it prints, pasted into a
# shell. Everything is built by then, so it takes seconds.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
pasted=
finish() {
  [ -z "$pasted" ] || kill -TERM -- "-$pasted" 2>/dev/null || true
  rm -rf "$work" upper.c upper.nexe service.log
}
trap finish EXIT
export ZVM_DATA_DIR=$work/data ZVM_PORT=$((20000 + RANDOM % 10000))

timeout 300 npm run --silent demo </dev/null >"$work/demo" 2>&1 || { cat "$work/demo" >&2; exit 1; }
expect() {
  grep -qF -- "$2" "$1" || { echo "demo: no \"$2\" in:" >&2; cat "$1" >&2; exit 1; }
}
expect "$work/demo" '   63919 the'
expect "$work/demo" '"outcome": "exited"'
expect "$work/demo" 'it ended with status 0'

sed -n '/the same with curl alone/,/the service stops/s/^\$ //p' "$work/demo" >"$work/lines"
[ "$(wc -l <"$work/lines")" -eq 2 ] || { echo "demo: two lines to paste expected" >&2; exit 1; }
set -m
timeout 60 bash "$work/lines" >"$work/pasted" 2>&1 &
pasted=$!
wait "$pasted" || { cat "$work/pasted" >&2; exit 1; }
expect "$work/pasted" '   63919 the'
expect "$work/pasted" '"outcome":"exited"'
kill -TERM -- "-$pasted"
while kill -0 -- "-$pasted" 2>/dev/null; do sleep 0.1; done

# The blocks of the README, in its order; only the port differs.
awk '/^```bash$/ { on = 1; next } /^```$/ { on = 0 } on' README.md |
  sed -e "s/127\.0\.0\.1:8080/127.0.0.1:$ZVM_PORT/" -e 's/^npx zvm serve .*/&\nservice=$!/' >"$work/readme"
echo 'kill "$service"; wait "$service" || true' >>"$work/readme"
export ZVM_SERVER=http://127.0.0.1:$ZVM_PORT
timeout 60 bash "$work/readme" >"$work/readme.out" 2>&1 &
pasted=$!
wait "$pasted" || { cat "$work/readme.out" >&2; exit 1; }
expect "$work/readme.out" '"outcome":"exited"'
expect "$work/readme.out" ' the'
expect "$work/readme.out" 'HELLO, SANDBOX'
expect "$work/readme.out" 'HELLO, SERVICE'
echo "demo: ran; its lines and the README's work as pasted"
