# Shared by the ports' build.sh and test.sh: where things are, the cache of finished programs, and
# the tally of a test run. Sourced after `port` is set, not executed.
set -euo pipefail
ports=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tools=$(cd "$ports/../../native/build" && pwd)
cache=${ZVM_CACHE_DIR:-$HOME/.cache/zvm}
work=$tools/ports/$port
profile=${ZVM_PROFILE:-zvm}
export ZVM_PROFILE=$profile
nexe=$work/$port-$profile.nexe
mkdir -p "$work"

# sources PACKAGE [NAME]: a Debian source package's upstream files in $work/NAME (source).
sources() {
  local folder=$work/${2:-source}
  [ -d "$folder" ] && [ -f "$cache/sources/$1/.verified" ] || "$ports/fetch.sh" "$1" "$folder"
}

# restored OUTPUT...: true when these files of $work could be taken from the cache, under the digest
# of the guest libraries, the compiler, the sources and this port's files.
restored() {
  local digest
  digest=$(cat "$tools"/sysroot/.stamps/*-"$profile" "$tools/zvm-cc" "$tools/zvm-validate" \
    "$ports/common.sh" "$ports/$port/build.sh" "$@" 2>/dev/null | sha256sum)
  archive=$cache/ports/$port-$profile-${digest:0:32}.tar
  [ -f "$archive" ] && tar -C "$work" -xf "$archive"
}

# keep OUTPUT...: puts them into the cache.
keep() {
  mkdir -p "$cache/ports"
  tar -C "$work" -cf "$archive.$$" "$@"
  mv "$archive.$$" "$archive"
}

# command_for NEXE NAME: a command NAME in $work/bin that runs NEXE in the sandbox; see sandboxed.sh.
# The guest's locale need not exist on this machine, whose bash would complain.
command_for() {
  mkdir -p "$work/bin"
  printf '#!/bin/sh\nSANDBOX_LC_ALL=${LC_ALL-} LC_ALL=C exec %s %s %s "$@"\n' \
    "$ports/sandboxed.sh" "$1" "$2" >"$work/bin/$2"
  chmod +x "$work/bin/$2"
}

sandboxed() { "$ports/sandboxed.sh" "$@"; }

# note STATUS NAME: one result; STATUS is 0 for passed.
note() {
  if [ "$1" -eq 0 ]; then echo "ok $2"; else echo "FAILED $2"; fi >>"$work/results"
}

# judge: prints `PORT passed/total` over $work/results. Fails when a test fails that
# known-failures.txt does not name (NAME, a tab, the reason), and when one that it names passes.
judge() {
  local known=$ports/$port/known-failures.txt passed total surprises=0
  passed=$(grep -c '^ok ' "$work/results" || true)
  total=$(grep -cE '^(ok|FAILED) ' "$work/results" || true)
  grep '^FAILED ' "$work/results" | cut -d' ' -f2- | sort >"$work/failed" || true
  { [ ! -f "$known" ] || grep -v '^#' "$known" | cut -f1 | sort; } >"$work/known"
  comm -23 "$work/failed" "$work/known" | sed "s/^/$port: unexpected failure: /" >"$work/surprise"
  comm -13 "$work/failed" "$work/known" | sed "s/^/$port: passes, listed as known failure: /" \
    >>"$work/surprise"
  cat "$work/surprise"
  [ -s "$work/surprise" ] && surprises=1
  [ "$total" -gt 0 ] || { echo "$port: no test ran"; surprises=1; }
  echo "$port $passed/$total (known failures: $(wc -l <"$work/known"), profile $profile)"
  return $surprises
}
: >"$work/results"
