# Shared by the ports: where things are, and how a finished program is run. Sourced, not executed.
set -euo pipefail
ports=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tools=$(cd "$ports/../../native/build" && pwd)
work=$tools/ports/$port
profile=${ZVM_PROFILE:-zvm}
mkdir -p "$work"

# run NEXE STDIN STDOUT [ARGUMENT...]: one session; prints what the program wrote to standard error
# and returns its exit code, or 125 when the session did not end by itself.
run() {
  local nexe=$1 input=$2 output=$3 arguments="" argument
  shift 3
  for argument in "$@"; do
    arguments+=" $(printf '%s' "$argument" |
      sed -e 's/\\/\\x5c/g' -e 's/"/\\x22/g' -e 's/,/\\x2c/g' -e 's/#/\\x23/g' -e 's/ /\\x20/g')"
  done
  printf '[args]\nargs =%s\n[env]\nname=HOME, value=/home\n' " $port$arguments" >"$work/nvram"
  cat >"$work/manifest" <<EOF
Version = 20130611
Program = $nexe
Memory = 1073741824, 0
Timeout = 120
Node = 1
Channel = $input, /dev/stdin, 0, 0, 1000000, 1000000000, 0, 0
Channel = $output, /dev/stdout, 0, 0, 0, 0, 1000000, 1000000000
Channel = $work/stderr, /dev/stderr, 0, 0, 0, 0, 1000000, 1000000000
Channel = $work/nvram, /dev/nvram, 1, 0, 4096, 1048576, 0, 0
EOF
  "$tools/zvm-run" "$work/manifest" >"$work/report" || true
  cat "$work/stderr" >&2
  [ "$(sed -n 6p "$work/report")" = ok ] || { cat "$work/report" >&2; return 125; }
  return "$(sed -n 3p "$work/report")"
}
