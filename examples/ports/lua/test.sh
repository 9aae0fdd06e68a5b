#!/usr/bin/env bash
# Lua 5.4 over test.lua; Lua 5.1 over the official test scripts, which Debian's source package of
# gopher-lua carries.
port=lua
. "$(dirname "$0")/../common.sh"
sources golang-github-yuin-gopher-lua tests
cd "$ports/lua"
sandboxed "$nexe" lua test.lua >"$work/output" || true
while read -r line; do
  grep -qxF "$line" "$work/output" && note 0 "5.4 ${line#ok }" || note 1 "5.4 ${line#ok }"
done <expected.txt
cd "$work/tests/_lua5.1-tests"
export SANDBOX_ENV="LUA_PATH" LUA_PATH="./?.lua;;"
for script in *.lua; do
  [ "$script" = all.lua ] && continue
  status=0
  run=("$script")
  # As all.lua does: this one yields.
  [ "$script" = big.lua ] && run=(-e 'local f = coroutine.wrap(assert(loadfile("big.lua")))
    assert(f() == "b" and f() == "a")')
  sandboxed "$work/lua51-$profile.nexe" lua "${run[@]}" >"$work/$script.out" 2>&1 || status=$?
  note $status "5.1 $script"
done
judge
