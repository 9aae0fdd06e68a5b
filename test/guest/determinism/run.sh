#!/usr/bin/env bash
# npm run determinism -- [RUNS]: runs one program RUNS times (default 1000), each time from another
# folder, with another environment, user (if root), priority, with and without randomised
# addresses, beside a busy loop. Outputs, etags of channels and of memory, and every counter of the
# report but times and the resident memory of the host process must be the same. Prints how many
# distinct results there were; fails on more than one.
set -euo pipefail
cd "$(dirname "$0")"
runs=${1:-1000}
tools=$(cd ../../../native/build && pwd)
work=$(mktemp -d)
chmod 755 "$work"
busy=
finish() {
  [ -z "$busy" ] || kill "$busy" 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT

for profile in zvm nacl; do
  "$tools/zvm-cc" --profile "$profile" -O2 -Wall determinism.c -lm -o "$work/$profile.nexe"
done
# A copy, where every user may read it.
install -m 755 "$tools/zvm-run" "$work/zvm-run"
for i in {1..200}; do echo "line $i"; done >"$work/input"

nice -n 19 sh -c 'while :; do :; done' &
busy=$!

one() { # RUN
  local folder=$work/$1/$RANDOM profile=zvm wrap=()
  # Both profiles in turn; their memory differs, so each is compared with itself.
  [ $(($1 % 10)) = 9 ] && profile=nacl
  mkdir -p "$folder"
  cat >"$folder/manifest" <<END
Version = 20130611
Program = $work/$profile.nexe
Memory = 33554432, 1
Timeout = 60
Node = 1
Channel = $work/input, /dev/stdin, 0, 1, 4096, 4096, 0, 0
Channel = $folder/stdout, /dev/stdout, 0, 1, 0, 0, 4096, 65536
Channel = $folder/stderr, /dev/stderr, 0, 1, 0, 0, 4096, 65536
END
  [ "$(id -u)" != 0 ] || { chmod -R 777 "$work/$1"; wrap+=(setpriv "--reuid=$((20000 + $1))"
    "--regid=$((30000 + $1))" --clear-groups); }
  [ $(($1 % 2)) = 0 ] || wrap+=(setarch -R)
  [ $(($1 % 3)) = 0 ] || wrap+=(nice -n $(($1 % 5)))
  (
    cd "$folder"
    umask "$(printf '%03o' $(($1 % 64)))"
    env -i "NUMBER=$1" "FILLER=$(head -c $(($1 * 37 % 5000)) /dev/zero | tr '\0' x)" TZ="UTC-$(($1 % 12))" \
      LC_ALL="$([ $(($1 % 2)) = 0 ] && echo C || echo de_DE.UTF-8)" PATH="$PATH" \
      "${wrap[@]}" "$work/zvm-run" --report json manifest >report || true
  )
  {
    echo "$profile"
    cat "$folder/stdout" "$folder/stderr"
    sed -E 's/"(wallMs|cpuMs|userMs|systemMs|peakMemoryBytes)":[0-9.]+,//g' "$folder/report"
  } >"$work/result"
  local name
  name=$profile-$(sha256sum <"$work/result" | cut -c1-16)
  [ -f "$work/kept-$name" ] || mv "$work/result" "$work/kept-$name"
  rm -rf "${work:?}/$1"
}

for ((run = 0; run < runs; ++run)); do one "$run"; done

status=0
for profile in zvm nacl; do
  kept=("$work"/kept-"$profile"-*)
  [ -f "${kept[0]}" ] || continue
  echo "determinism, profile $profile: ${#kept[@]} distinct result(s) of $runs runs of both profiles"
  if ! grep -q '"outcome":"exited","exitCode":0' "${kept[0]}" ||
    ! grep -q '"memoryEtag":"' "${kept[0]}"; then
    cat "${kept[0]}"
    status=1
  fi
  if [ ${#kept[@]} != 1 ]; then
    diff "${kept[0]}" "${kept[1]}" | head -20 || true
    status=1
  fi
done
exit "$status"
