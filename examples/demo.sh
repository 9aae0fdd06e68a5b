#!/usr/bin/env bash
# npm run demo: from a fresh clone to an answer over HTTP. Installs, builds with progress, starts the
# service, compiles examples/wordcount for the sandbox, posts it with a text of four megabytes and
# prints what comes back; then stops the service. ZVM_* variables apply as to `zvm serve`.
set -euo pipefail
cd "$(dirname "$0")/.."
out=native/build/examples
host=127.0.0.1

echo "== install and build (the first time: some minutes, most of them for the C and C++ libraries)"
[ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --no-audit --no-fund --loglevel=error
native/packages.sh demo
native/build.sh release product
native/guest/build.sh
mkdir -p "$out"

echo
echo "== a program for the sandbox, and a text: the King James Bible of the Debian package bible-kjv"
echo "\$ npx zvm cc -O2 examples/wordcount/wordcount.c -o $out/wordcount.nexe"
native/build/zvm-cc -O2 examples/wordcount/wordcount.c -o "$out/wordcount.nexe"
bible -f 'Gen1:1-Rev22:21' >"$out/text"
ls -l "$out/wordcount.nexe" "$out/text" | awk '{ print "  " $5 " bytes  " $NF }'

is_taken() { (exec 3<>"/dev/tcp/$host/$1") 2>/dev/null; }
port=${ZVM_PORT:-8080}
if is_taken "$port"; then
  [ -z "${ZVM_PORT:-}" ] || { echo "demo: port $port is taken" >&2; exit 1; }
  while is_taken "$port"; do port=$((port + 1)); done
  # Most likely another service of this user, which holds the usual folder.
  export ZVM_DATA_DIR=${ZVM_DATA_DIR:-$PWD/$out/data}
fi
export ZVM_PORT=$port ZVM_LOG_LEVEL=${ZVM_LOG_LEVEL:-info}
server=http://$host:$port

echo
echo "== the service, on its embedded defaults (log: $out/service.log)"
echo "\$ npx zvm serve"
service/cli/zvm.mjs serve >"$out/service.log" 2>&1 &
service=$!
stop() { kill -TERM "$service" 2>/dev/null && wait "$service"; }
trap 'stop || true' EXIT
for _ in $(seq 100); do
  curl -fs -o /dev/null "$server/readyz" && break
  kill -0 "$service" 2>/dev/null || { cat "$out/service.log" >&2; exit 1; }
  sleep 0.1
done
echo "$server is ready"

echo
echo "== the job: program, manifest and text go up, the ten most frequent words come back"
echo "\$ npx zvm submit examples/wordcount/job.json program=$out/wordcount.nexe text=$out/text -o words=-"
service/cli/zvm.mjs submit --server "$server" examples/wordcount/job.json \
  program="$out/wordcount.nexe" text="$out/text" -o words=- --report "$out/report.json"

echo
echo "== its report"
node_modules/.bin/node -e \
  'console.log(JSON.stringify(JSON.parse(require("fs").readFileSync(process.argv[1], "utf8")), null, 2))' \
  "$out/report.json"

echo
echo "== the same with curl alone; the first line is for when the service does not run any more"
variables=$(env | grep -E '^ZVM_(DATA_DIR|NATIVE_DIR)=' | tr '\n' ' ' || true)
[ "$port" = 8080 ] || variables+="ZVM_PORT=$port "
echo "\$ ${variables}npx zvm serve >$out/service.log &"
line="curl -sSN --retry 9 --retry-connrefused -F 'manifest=<examples/wordcount/job.json;type=application/json'"
line+=" -F program=@$out/wordcount.nexe -F text=@$out/text $server/v1/jobs"
echo "\$ $line"
if [ -t 0 ] && [ -t 1 ]; then
  echo "Try it from another terminal in this folder; Enter stops the service."
  read -r -t 3600 || true
else
  eval "$line"
fi

echo
echo "== the service stops"
trap - EXIT
stop || { echo "demo: the service ended with status $?" >&2; exit 1; }
echo "it ended with status 0"
