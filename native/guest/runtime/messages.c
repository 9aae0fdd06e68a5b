/* <err.h>, <syslog.h> and the program's name: messages of a program about itself. */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "vfs.h"

enum { kLineSize = 512 };

static const char *log_name = "";
static int log_options;
static int log_mask = LOG_UPTO(LOG_DEBUG);

const char *getprogname(void) { return zvm_program_name; }
void setprogname(const char *name) { zvm_program_name = name; }

void vwarnx(const char *format, va_list arguments) {
  fprintf(stderr, "%s: ", zvm_program_name);
  if (format != NULL) vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
}

void vwarn(const char *format, va_list arguments) {
  int error = errno;
  fprintf(stderr, "%s: ", zvm_program_name);
  if (format != NULL) {
    vfprintf(stderr, format, arguments);
    fputs(": ", stderr);
  }
  fprintf(stderr, "%s\n", strerror(error));
}

void warn(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vwarn(format, arguments);
  va_end(arguments);
}

void warnx(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vwarnx(format, arguments);
  va_end(arguments);
}

void verr(int status, const char *format, va_list arguments) {
  vwarn(format, arguments);
  exit(status);
}

void verrx(int status, const char *format, va_list arguments) {
  vwarnx(format, arguments);
  exit(status);
}

void err(int status, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  verr(status, format, arguments);
}

void errx(int status, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  verrx(status, format, arguments);
}

void openlog(const char *name, int options, int facility) {
  (void)facility;
  log_name = name != NULL ? name : "";
  log_options = options;
}

void closelog(void) {}

int setlogmask(int mask) {
  int old = log_mask;
  if (mask != 0) log_mask = mask;
  return old;
}

void vsyslog(int priority, const char *format, va_list arguments) {
  if (!(log_mask & LOG_MASK(LOG_PRI(priority)))) return;
  char line[kLineSize];
  vsnprintf(line, sizeof line, format, arguments);
  zvm_complain(log_name, line);
  if (log_options & LOG_PERROR) fprintf(stderr, "%s: %s\n", log_name, line);
}

void syslog(int priority, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsyslog(priority, format, arguments);
  va_end(arguments);
}
