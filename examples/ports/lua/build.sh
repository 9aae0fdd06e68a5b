#!/usr/bin/env bash
# Lua 5.4 from Debian's source package lua5.4: builds the interpreter and runs test.lua inside the
# sandbox.
port=lua
. "$(dirname "$0")/../common.sh"
[ -d "$work/source" ] || "$ports/fetch.sh" lua5.4 "$work/source"
cd "$work/source/src"
sources=(l*.c)
for skipped in luac.c; do sources=("${sources[@]/$skipped/}"); done
# shellcheck disable=SC2068
"$tools/zvm-cc" -O2 -DLUA_COMPAT_5_3 -DLUA_USE_POSIX ${sources[@]} -lm -o "$work/lua-$profile.nexe"
run "$work/lua-$profile.nexe" "$ports/lua/test.lua" "$work/stdout" -
diff "$ports/lua/expected.txt" "$work/stdout"
echo "lua: $(grep -c '^ok' "$work/stdout") checks passed in the sandbox, profile $profile"
