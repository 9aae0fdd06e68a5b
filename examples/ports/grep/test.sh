#!/usr/bin/env bash
# grep's own shell tests. The shell runs here, every grep in a sandbox of its own. Left out: tests
# in Perl, of PCRE (not built), and those that measure time or need gigabytes.
port=grep
. "$(dirname "$0")/../common.sh"
sources grep
rm -rf "$work/run"
mkdir -p "$work/run/src" "$work/run/tests"
command_for "$nexe" grep
command_for "$work/get-mb-cur-max-$profile.nexe" get-mb-cur-max
mv "$work/bin/grep" "$work/bin/get-mb-cur-max" "$work/run/src/"
for name in egrep:-E fgrep:-F; do
  printf '#!/bin/sh\nexec grep %s "$@"\n' "${name#*:}" >"$work/run/src/${name%:*}"
  chmod +x "$work/run/src/${name%:*}"
done
cp "$work/run/src/get-mb-cur-max" "$work/run/tests/"
cd "$work/run/tests"
tests=$work/source/tests
export srcdir=$tests abs_srcdir=$tests top_srcdir=$work/source abs_top_srcdir=$work/source
export abs_top_builddir=$work/run builddir=. host_triplet=x86_64-elf LOCALE_FR=none
export PCRE_WORKS=0 LOCALE_FR_UTF8=fr_FR.UTF-8 AWK=gawk CC=cc PERL=perl SHELL=/bin/sh
export PACKAGE_VERSION=3.8 VERSION=3.8 built_programs="grep egrep fgrep" LC_ALL=C GREP=grep
export SANDBOX_ALSO=$tests SANDBOX_ENV="TERM GREP_COLORS GREP_COLOR"
skipped=0
mapfile -t names < <(sed -n '/^TESTS =/,/^$/p' "$tests/Makefile.am" | grep -oE '^  [a-z0-9A-Z-]+')
for name in "${names[@]}"; do
  name=${name// /}
  case $name in
    pcre* | big-* | *-perf | *perf-Fw | *performance | long-line-vs-2GiB-read) continue ;;
  esac
  [ $# -eq 0 ] || [[ " $* " = *" $name "* ]] || continue
  status=0
  PATH=$work/run/src:$PATH GREP_TEST_NAME=$name sh "$tests/$name" \
    >"$work/run/$name.log" 2>&1 9>&2 </dev/null || status=$?
  if [ $status -eq 77 ]; then skipped=$((skipped + 1)); else note $status "$name"; fi
done
echo "$skipped tests skipped themselves"
judge
