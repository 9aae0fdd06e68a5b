/* The text of an error number that newlib's strerror does not know. perror, which asks with
 * INTERNAL set, leaves alone what strerror has returned. */
#include <stdlib.h>
#include <string.h>

char *_user_strerror(int number, int internal, int *error);

char *_user_strerror(int number, int internal, int *error) {
  static const char kText[] = "Unknown error ";
  static char texts[2][sizeof kText + 11];
  char *text = texts[internal != 0];
  (void)error;
  memcpy(text, kText, sizeof kText);
  itoa(number, text + sizeof kText - 1, 10);
  return text;
}
