.headers on
CREATE TABLE n(i INTEGER PRIMARY KEY, square INTEGER, name TEXT);
WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 20000)
  INSERT INTO n SELECT x, x * x, printf('%05d', x * 7919 % 10007) FROM c;
CREATE INDEX by_name ON n(name);
SELECT count(*) AS rows, sum(square) AS total, max(name) AS last FROM n;
SELECT a.i, b.i FROM n a JOIN n b ON a.name = b.name AND a.i < b.i ORDER BY a.i LIMIT 3;
SELECT i, sum(i) OVER (ORDER BY i ROWS 2 PRECEDING) AS moving FROM n LIMIT 4;
SELECT printf('%.6f %e', 2.0 / 3, 123456.789) AS floats, sqrt(2), round(exp(1), 9);
CREATE VIRTUAL TABLE doc USING fts5(body);
INSERT INTO doc VALUES ('the quick brown fox'), ('a lazy dog'), ('quick silver');
SELECT rowid, highlight(doc, 0, '[', ']') FROM doc WHERE doc MATCH 'quick' ORDER BY rowid;
SELECT json_extract('{"a":[1,2,{"b":"x"}]}', '$.a[2].b') AS json;
BEGIN; DELETE FROM n WHERE i % 2; SELECT count(*) FROM n; ROLLBACK;
SELECT count(*) FROM n;
PRAGMA integrity_check;
