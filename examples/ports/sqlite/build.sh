#!/usr/bin/env bash
# The SQLite shell from Debian's source package sqlite3: builds it and runs test.sql inside the
# sandbox, on a database file in the sandbox's own file tree. Making the amalgamation needs tclsh
# (package tcl).
port=sqlite
. "$(dirname "$0")/../common.sh"
command -v tclsh >/dev/null || { echo "sqlite: install the package tcl" >&2; exit 1; }
[ -d "$work/source" ] || "$ports/fetch.sh" sqlite3 "$work/source"
mkdir -p "$work/amalgamation"
cd "$work/amalgamation"
[ -f sqlite3.c ] || {
  ../source/configure >configure.log 2>&1
  make sqlite3.c shell.c >make.log 2>&1
}
"$tools/zvm-cc" -O2 -w -DSQLITE_THREADSAFE=0 -DSQLITE_OMIT_LOAD_EXTENSION -DSQLITE_OMIT_WAL \
  -DSQLITE_MAX_MMAP_SIZE=0 -DSQLITE_ENABLE_FTS5 -DSQLITE_ENABLE_MATH_FUNCTIONS \
  sqlite3.c shell.c -lm -o "$work/sqlite-$profile.nexe"
run "$work/sqlite-$profile.nexe" "$ports/sqlite/test.sql" "$work/stdout" -bail /tmp/test.db
diff "$ports/sqlite/expected.txt" "$work/stdout"
echo "sqlite: output as expected in the sandbox, profile $profile"
