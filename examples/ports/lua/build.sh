#!/usr/bin/env bash
# Lua 5.4 and Lua 5.1 (whose official tests a Debian package has) from their source packages.
port=lua
. "$(dirname "$0")/../common.sh"
sources lua5.4
sources lua5.1 source-5.1
restored "$ports/lua/start.c" && exit 0
build() { # FOLDER OUTPUT FLAG...
  local files=()
  for file in "$1"/l*.c; do
    case $(basename "$file") in luac.c | loadlib_rel.c) ;; *) files+=("$file") ;; esac
  done
  "$tools/zvm-cc" -O2 -w "${@:3}" "${files[@]}" -lm -o "$work/$2"
}
# start.c in the place of lua.c: an interpreter with a checkpoint. The order of tables does not come
# from addresses, which differ between a session that starts there and one that does not.
build_start() {
  local files=()
  for file in "$work"/source/src/l*.c; do
    case $(basename "$file") in lua.c | luac.c) ;; *) files+=("$file") ;; esac
  done
  "$tools/zvm-cc" -O2 -w -I"$work/source/src" -DLUA_COMPAT_5_3 -DLUA_USE_POSIX \
    '-Dluai_makeseed(L)=0x5A564D31u' "$ports/lua/start.c" "${files[@]}" -lm \
    -o "$work/lua-start-$profile.nexe"
}
build "$work/source/src" "lua-$profile.nexe" -DLUA_COMPAT_5_3 -DLUA_USE_POSIX
build "$work/source-5.1/src" "lua51-$profile.nexe" -DLUA_USE_MKSTEMP
build_start
keep "lua-$profile.nexe" "lua51-$profile.nexe" "lua-start-$profile.nexe"
