/* SQLite on a database in memory: inserts in a transaction, an index, selects with join and sort,
 * updates. The only file system is one that has no files. */
#include "kernel.h"
#include "sqlite3.h"

static int NoFile(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out) {
  (void)vfs, (void)name, (void)flags, (void)out;
  file->pMethods = NULL;
  return SQLITE_CANTOPEN;
}
static int Zero(sqlite3_vfs *vfs, int size, char *out) {
  (void)vfs;
  memset(out, 7, (size_t)size);
  return size;
}
static int Now(sqlite3_vfs *vfs, double *out) {
  (void)vfs;
  *out = 2460000.5;
  return SQLITE_OK;
}
static int FullName(sqlite3_vfs *vfs, const char *name, int size, char *out) {
  (void)vfs;
  return snprintf(out, (size_t)size, "%s", name) < size ? SQLITE_OK : SQLITE_CANTOPEN;
}

static sqlite3_vfs no_files = {.iVersion = 1,
                               .szOsFile = sizeof(sqlite3_file),
                               .mxPathname = 64,
                               .zName = "none",
                               .xOpen = NoFile,
                               .xFullPathname = FullName,
                               .xRandomness = Zero,
                               .xCurrentTime = Now};

int sqlite3_os_init(void) { return sqlite3_vfs_register(&no_files, 1); }
int sqlite3_os_end(void) { return SQLITE_OK; }

static uint64_t sum;

static int Row(void *opaque, int count, char **values, char **names) {
  (void)opaque, (void)names;
  for (int i = 0; i < count; ++i) {
    if (values[i] != NULL) sum = Checksum(sum, values[i], strlen(values[i]));
  }
  return 0;
}

static void Execute(sqlite3 *db, const char *sql) {
  char *error = NULL;
  if (sqlite3_exec(db, sql, Row, NULL, &error) == SQLITE_OK) return;
  fprintf(stderr, "sqlite: %s\n", error);
  exit(1);
}

static void Insert(sqlite3 *db, int rows) {
  sqlite3_stmt *insert = NULL;
  Execute(db, "BEGIN");
  sqlite3_prepare_v2(db, "INSERT INTO t VALUES (?, ?, ?)", -1, &insert, NULL);
  uint64_t random = 13;
  for (int i = 0; i < rows; ++i) {
    const uint64_t r = Random(&random);
    char text[40];
    const int length = snprintf(text, sizeof text, "name %u of many", (unsigned)(r % 5003));
    sqlite3_bind_int(insert, 1, i);
    sqlite3_bind_int(insert, 2, (int)(r >> 32) & 1023);
    sqlite3_bind_text(insert, 3, text, length, SQLITE_STATIC);
    sqlite3_step(insert);
    sqlite3_reset(insert);
  }
  sqlite3_finalize(insert);
  Execute(db, "COMMIT");
}

int main(int argc, char **argv) {
  sum = kChecksum;
  for (unsigned n = Work(argc, argv, 4); n > 0; --n) {
    sqlite3 *db = NULL;
    if (sqlite3_open(":memory:", &db) != SQLITE_OK) return 1;
    Execute(db, "CREATE TABLE t (id INTEGER PRIMARY KEY, k INTEGER, name TEXT)");
    Insert(db, 30000);
    Execute(db, "CREATE INDEX by_k ON t (k); CREATE INDEX by_name ON t (name)");
    Execute(db, "SELECT k, count(*), max(name) FROM t GROUP BY k ORDER BY 2 DESC, 1 LIMIT 50");
    Execute(db, "SELECT count(*) FROM t a JOIN t b ON a.name = b.name AND a.id < b.id");
    Execute(db, "SELECT name FROM t WHERE name LIKE '%99%' ORDER BY name, id LIMIT 200");
    Execute(db, "UPDATE t SET name = upper(name) || id WHERE k < 300");
    Execute(db, "DELETE FROM t WHERE id % 7 = 3; SELECT sum(length(name)), avg(k) FROM t");
    sqlite3_close(db);
  }
  return Finish("sqlite", sum);
}
