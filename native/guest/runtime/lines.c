/* getline and getdelim of POSIX under their own names; newlib has them under reserved ones. */
#include <stdio.h>

ssize_t getdelim(char **restrict line, size_t *restrict size, int end, FILE *restrict stream) {
  return __getdelim(line, size, end, stream);
}

ssize_t getline(char **restrict line, size_t *restrict size, FILE *restrict stream) {
  return __getdelim(line, size, '\n', stream);
}
