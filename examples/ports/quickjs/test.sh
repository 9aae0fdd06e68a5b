#!/usr/bin/env bash
# QuickJS's `make test`, inside the sandbox; files that use threads or shared libraries left out.
port=quickjs
. "$(dirname "$0")/../common.sh"
sources npm:qjsc@0.3.0
cd "$work/source/deps"/quickjs_*
try() {
  local status=0
  sandboxed "$nexe" qjs "$@" >"$work/output" 2>&1 || { status=$?; cat "$work/output"; }
  note $status "$*"
}
for name in closure language builtin loop std; do try "tests/test_$name.js"; done
# What two of them test beside the one thing that does not exist here (known-failures.txt).
sed '/^test_popen();$/d; /^test_os_exec();$/d; /isatty(0)/d' tests/test_std.js >tests/std_alone.js
sed -E '/assert\(\(-?(25|2\.5|1\.125)\)\.to/d' tests/test_builtin.js >tests/builtin_alone.js
for name in std builtin; do try "tests/${name}_alone.js"; done
for name in op_overloading bignum; do try --bignum "tests/test_$name.js"; done
try --qjscalc tests/test_qjscalc.js
for name in bigint bigfloat bigdecimal; do
  status=0
  sandboxed "$nexe" qjs --bignum "examples/pi_$name.js" 200 >"$work/output" 2>&1 || status=$?
  grep -q '3.\?14159265358979323846264338327950288' "$work/output" || status=1
  note $status "examples/pi_$name.js"
done
judge
