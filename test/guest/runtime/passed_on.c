/* A floating-point result passed on to printf: it stands in the right register already, so nothing
 * in this program names one, and it must get the full printf all the same. */
#include <stdlib.h>
#include <string.h>

#include "check.h"

int main(void) {
  char text[16];
  sprintf(text, "%.2f", strtod("2.5", NULL));
  CHECK(strcmp(text, "2.50") == 0);
  return failures != 0;
}
