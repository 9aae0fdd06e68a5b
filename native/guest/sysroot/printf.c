/* printf for programs that pass no floating-point argument and number no arguments (%2$d): newlib's
 * integer versions under the ordinary names. The full versions, four times as large with what they
 * need, are there only when an object that may do so asks for their archive member
 * (driver/float_mark.h). */
#include <stdarg.h>
#include <stdio.h>
#include <wchar.h>

int _svfiprintf_r(struct _reent *, FILE *, const char *, va_list);
int _vfiwprintf_r(struct _reent *, FILE *, const wchar_t *, va_list);
int _svfiwprintf_r(struct _reent *, FILE *, const wchar_t *, va_list);

/* A weak reference brings no archive member along: null, or the full version. */
#define FULL(name, character)                                                               \
  int __zvm_full##name(struct _reent *, FILE *, const character *, va_list) __attribute__((weak)); \
  int name(struct _reent *, FILE *, const character *, va_list)

FULL(_vfprintf_r, char);
FULL(_svfprintf_r, char);
FULL(_vfwprintf_r, wchar_t);
FULL(_svfwprintf_r, wchar_t);

int _vfprintf_r(struct _reent *reent, FILE *file, const char *format, va_list arguments) {
  if (__zvm_full_vfprintf_r != NULL) return __zvm_full_vfprintf_r(reent, file, format, arguments);
  return _vfiprintf_r(reent, file, format, arguments);
}

int vfprintf(FILE *file, const char *format, va_list arguments) {
  return _vfprintf_r(_REENT, file, format, arguments);
}

int _svfprintf_r(struct _reent *reent, FILE *file, const char *format, va_list arguments) {
  if (__zvm_full_svfprintf_r != NULL) return __zvm_full_svfprintf_r(reent, file, format, arguments);
  return _svfiprintf_r(reent, file, format, arguments);
}

int _vfwprintf_r(struct _reent *reent, FILE *file, const wchar_t *format, va_list arguments) {
  if (__zvm_full_vfwprintf_r != NULL) return __zvm_full_vfwprintf_r(reent, file, format, arguments);
  return _vfiwprintf_r(reent, file, format, arguments);
}

int vfwprintf(FILE *file, const wchar_t *format, va_list arguments) {
  return _vfwprintf_r(_REENT, file, format, arguments);
}

int _svfwprintf_r(struct _reent *reent, FILE *file, const wchar_t *format, va_list arguments) {
  if (__zvm_full_svfwprintf_r != NULL)
    return __zvm_full_svfwprintf_r(reent, file, format, arguments);
  return _svfiwprintf_r(reent, file, format, arguments);
}
