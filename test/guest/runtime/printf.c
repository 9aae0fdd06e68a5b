/* Every family of printf with floating-point arguments: each must have got the full version (see
 * native/guest/driver/float_mark.h). That programs without any stay small: size.sh. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "check.h"

static volatile double third = 1.0 / 3;

static int Wrapped(char *out, size_t size, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int length = vsnprintf(out, size, format, arguments);
  va_end(arguments);
  return length;
}

static void ReadBack(FILE *file, const char *expected) {
  char text[64] = "";
  rewind(file);
  CHECK(fgets(text, sizeof text, file) != NULL && strcmp(text, expected) == 0);
  fclose(file);
}

int main(void) {
  char text[64];
  CHECK(snprintf(text, sizeof text, "%.3f|%e|%g|%a", third, third, third * 3e20, 1.5) == 33);
  CHECK(strcmp(text, "0.333|3.333333e-01|1e+20|0x1.8p+0") == 0);
  CHECK(sprintf(text, "%5.1f %d %s", 2.25, 7, "x") == 9 && strcmp(text, "  2.2 7 x") == 0);
  CHECK(Wrapped(text, sizeof text, "%Lg", (long double)third) == 8);
  CHECK(strcmp(text, "0.333333") == 0);
  char *made = NULL;
  CHECK(asprintf(&made, "%.0f", 1e9) == 10 && strcmp(made, "1000000000") == 0);
  free(made);
  wchar_t wide[64];
  CHECK(swprintf(wide, 64, L"%.2f %ls", third, L"w") == 6 && wcscmp(wide, L"0.33 w") == 0);
  FILE *file = fopen("/tmp/narrow", "w+");
  CHECK(file != NULL && fprintf(file, "%.2f", third) == 4);
  ReadBack(file, "0.33");
  file = fopen("/tmp/wide", "w+");
  CHECK(file != NULL && fwprintf(file, L"%.1f", third) == 3);
  ReadBack(file, "0.3");
  printf("%g\n", third);
  return failures != 0;
}
