#!/usr/bin/env bash
# Lua 5.4 and Lua 5.1 (whose official tests a Debian package has) from their source packages.
port=lua
. "$(dirname "$0")/../common.sh"
sources lua5.4
sources lua5.1 source-5.1
restored && exit 0
build() { # FOLDER OUTPUT FLAG...
  local files=()
  for file in "$1"/l*.c; do
    case $(basename "$file") in luac.c | loadlib_rel.c) ;; *) files+=("$file") ;; esac
  done
  "$tools/zvm-cc" -O2 -w "${@:3}" "${files[@]}" -lm -o "$work/$2"
}
build "$work/source/src" "lua-$profile.nexe" -DLUA_COMPAT_5_3 -DLUA_USE_POSIX
build "$work/source-5.1/src" "lua51-$profile.nexe" -DLUA_USE_MKSTEMP
keep "lua-$profile.nexe" "lua51-$profile.nexe"
