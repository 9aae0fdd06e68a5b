#!/usr/bin/env bash
# The SQLite shell and SQLite's regression program fuzzcheck from Debian's source package sqlite3.
# Making the amalgamation needs tclsh.
port=sqlite
. "$(dirname "$0")/../common.sh"
sources sqlite3
restored && exit 0
mkdir -p "$work/amalgamation"
cd "$work/amalgamation"
[ -f sqlite3.c ] || {
  ../source/configure
  make sqlite3.c shell.c
}
flags=(-O2 -w -DSQLITE_THREADSAFE=0 -DSQLITE_OMIT_LOAD_EXTENSION -DSQLITE_OMIT_WAL
  -DSQLITE_MAX_MMAP_SIZE=0 -DSQLITE_ENABLE_FTS5 -DSQLITE_ENABLE_MATH_FUNCTIONS)
"$tools/zvm-cc" "${flags[@]}" sqlite3.c shell.c -lm -o "$nexe"
source=$work/source
"$tools/zvm-cc" -O2 -w -DSQLITE_THREADSAFE=0 -DSQLITE_OMIT_LOAD_EXTENSION -DSQLITE_OSS_FUZZ \
  -DSQLITE_ENABLE_MEMSYS5 -DSQLITE_MAX_MEMORY=50000000 -DSQLITE_PRINTF_PRECISION_LIMIT=1000 \
  -DSQLITE_ENABLE_FTS4 -DSQLITE_ENABLE_RTREE -DSQLITE_ENABLE_GEOPOLY -DSQLITE_ENABLE_DBSTAT_VTAB \
  -DSQLITE_ENABLE_BYTECODE_VTAB -DSQLITE_OMIT_WAL -DSQLITE_MAX_MMAP_SIZE=0 -I. -I"$source/test" \
  -I"$source/ext/recover" "$source"/test/{fuzzcheck,ossfuzz,fuzzinvariants,vt02}.c \
  "$source"/ext/recover/{sqlite3recover,dbdata}.c sqlite3.c -lm -o "$work/fuzzcheck-$profile.nexe"
keep {sqlite,fuzzcheck}-"$profile.nexe"
