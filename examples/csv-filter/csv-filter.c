/* csv-filter COLUMN =|<|> VALUE: of the CSV table on standard input, prints the header and the rows
 * whose COLUMN compares so with VALUE; numbers as numbers, the rest as text. Fields may be quoted
 * (RFC 4180). Exit code 2: no such column or a bad command line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FIELDS = 256 };

/* Splits LINE into FIELDS in place and takes their quotes off; returns how many there are. */
static int Split(char *line, char *fields[MAX_FIELDS]) {
  int count = 0;
  char *from = line;
  char *to = line;
  int quoted = 0;
  fields[count++] = to;
  for (; *from != 0 && *from != '\n' && *from != '\r'; ++from) {
    if (*from == '"' && quoted && from[1] == '"') {
      *to++ = *from++;
    } else if (*from == '"') {
      quoted = !quoted;
    } else if (*from == ',' && !quoted && count < MAX_FIELDS) {
      *to++ = 0;
      fields[count++] = to;
    } else {
      *to++ = *from;
    }
  }
  *to = 0;
  return count;
}

static int Matches(const char *field, char sign, const char *value) {
  char *end_a, *end_b;
  double a = strtod(field, &end_a), b = strtod(value, &end_b);
  int numbers = *field != 0 && *value != 0 && *end_a == 0 && *end_b == 0;
  int order = numbers ? (a > b) - (a < b) : strcmp(field, value);
  return sign == '=' ? order == 0 : sign == '<' ? order < 0 : order > 0;
}

int main(int argc, char **argv) {
  if (argc != 4 || strlen(argv[2]) != 1 || strchr("=<>", argv[2][0]) == NULL) {
    fprintf(stderr, "usage: csv-filter COLUMN =|<|> VALUE\n");
    return 2;
  }
  char *line = NULL, *copy = NULL, *fields[MAX_FIELDS];
  size_t size = 0;
  int column = -1;
  unsigned long rows = 0, shown = 0;
  while (getline(&line, &size, stdin) > 0) {
    free(copy);
    copy = strdup(line);
    if (copy == NULL) return 1;
    int count = Split(copy, fields);
    if (column < 0) {
      for (column = 0; column < count && strcmp(fields[column], argv[1]) != 0; ++column) continue;
      if (column == count) {
        fprintf(stderr, "csv-filter: there is no column %s\n", argv[1]);
        return 2;
      }
      fputs(line, stdout);
      continue;
    }
    ++rows;
    if (column >= count || !Matches(fields[column], argv[2][0], argv[3])) continue;
    ++shown;
    fputs(line, stdout);
  }
  fprintf(stderr, "%lu of %lu rows\n", shown, rows);
  return 0;
}
