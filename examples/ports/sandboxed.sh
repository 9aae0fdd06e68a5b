#!/usr/bin/env bash
# sandboxed.sh NEXE NAME [ARGUMENT...]: a nexe as if it were a command of this machine, so that test
# scripts written for the command can drive it. Standard streams are passed through; the current
# folder, and that in SANDBOX_ALSO, are mounted at their own paths; exported variables named in
# SANDBOX_ENV and the locale's are passed; with SANDBOX_WRITES=1 what the program changed in the
# current folder is brought back. Exit status:
# the program's, 128 + the signal's number, or 125 when the session ended otherwise.
PATH=/usr/local/bin:/usr/bin:/bin # a tool under test may have the name of one used here
set -euo pipefail
tools=$(cd "$(dirname "$(readlink -f "$0")")/../../native/build" && pwd)
nexe=$1
shift
session=$(mktemp -d)
trap 'rm -rf "$session"' EXIT
LC=${SANDBOX_LC_ALL-${LC_ALL-}} LC_ALL=C

record() { # KIND BYTES, as docs/guest.md has the binary-safe format
  printf '%s %d:%s\n' "$1" "${#2}" "$2"
}
pair() { # KIND FIRST SECOND: two texts with a zero byte between them
  printf '%s %d:%s\0%s\n' "$1" $((${#2} + 1 + ${#3})) "$2" "$3"
}
{
  echo 'zvm-nvram 1'
  for argument in "$@"; do record args "$argument"; done
  pair env HOME "$PWD"
  [ -z "$LC" ] || pair env LC_ALL "$LC"
  for name in LANG LC_CTYPE TZ ${SANDBOX_ENV-}; do
    [ -z "${!name+set}" ] || pair env "$name" "${!name}"
  done
  printf 'fstab 16:/dev/folder\0/\0ro\n'
  [ -z "${SANDBOX_WRITES-}" ] || printf 'fstab %d:/dev/changed\0%s\0wo\n' $((${#PWD} + 16)) "$PWD"
} >"$session/nvram"
tar -C / -cf "$session/folder" "${PWD#/}" ${SANDBOX_ALSO:+"${SANDBOX_ALSO#/}"} 2>/dev/null || true
cat >"$session/manifest" <<MANIFEST
Version = 20130611
Program = $nexe
Memory = ${SANDBOX_MEMORY:-268435456}, 0
Timeout = ${SANDBOX_TIMEOUT:-60}
Node = 1
Channel = /dev/stdin, /dev/stdin, 0, 0, 1000000, 1000000000, 0, 0
Channel = /dev/fd/3, /dev/stdout, 0, 0, 0, 0, 1000000, 1000000000
Channel = /dev/stderr, /dev/stderr, 0, 0, 0, 0, 1000000, 1000000000
Channel = $session/nvram, /dev/nvram, 1, 0, 4096, 1048576, 0, 0
Channel = $session/folder, /dev/folder, 1, 0, 1000000, 1000000000, 0, 0
Channel = $session/changed, /dev/changed, 0, 0, 0, 0, 1000000, 1000000000
MANIFEST
"$tools/zvm-run" "$session/manifest" 3>&1 >"$session/report" || true
mapfile -t report <"$session/report"
if [ "${report[5]-}" != ok ]; then
  echo "sandboxed: ${report[5]-no report}" >&2
  [[ ${report[5]-} =~ Signal\ ([0-9]+) ]] && exit $((128 + BASH_REMATCH[1]))
  exit 125
fi
if [ -n "${SANDBOX_WRITES-}" ]; then
  # Only what differs from the image is touched: a shell may be writing to other files here.
  mkdir -p "$session/before" "$session/after$PWD"
  tar -C "$session/before" -xpf "$session/folder"
  tar -C "$session/after" -xpf "$session/changed"
  before=$session/before$PWD after=$session/after$PWD
  (cd "$after" && find . -mindepth 1 -type d) | xargs -r mkdir -p
  (cd "$after" && find . ! -type d) | while IFS= read -r file; do
    cmp -s "$before/$file" "$after/$file" || cp -a "$after/$file" "$file"
  done
  (cd "$before" && find . -depth -mindepth 1) | while IFS= read -r file; do
    [ -e "$after/$file" ] || [ -L "$after/$file" ] || rm -rf "$file"
  done
fi
exit "${report[2]}"
