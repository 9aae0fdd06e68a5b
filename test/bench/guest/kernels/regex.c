/* Oniguruma, a backtracking engine for regular expressions, over text. */
#include "kernel.h"
#include "oniguruma.h"

static uint64_t Search(const char *pattern, const char *text, int size, uint64_t sum) {
  const UChar *start = (const UChar *)text, *end = start + size;
  regex_t *regex = NULL;
  if (onig_new(&regex, (const UChar *)pattern, (const UChar *)pattern + strlen(pattern),
               ONIG_OPTION_DEFAULT, ONIG_ENCODING_ASCII, ONIG_SYNTAX_DEFAULT, NULL) != ONIG_NORMAL)
    exit(3);
  OnigRegion *region = onig_region_new();
  for (const UChar *at = start; at < end;) {
    if (onig_search(regex, start, end, at, end, region, ONIG_OPTION_NONE) < 0) break;
    const int found[2] = {region->beg[0], region->end[0]};
    sum = Checksum(sum, found, sizeof found);
    at = start + (found[1] > found[0] ? found[1] : found[1] + 1);
  }
  onig_region_free(region, 1);
  onig_free(regex);
  return sum;
}

int main(int argc, char **argv) {
  const int size = 200000;
  char *text = MakeText((size_t)size);
  static const char *const kPatterns[] = {"([a-z]+)ing\\b|q(u|v)", "(\\w+) (\\w+) \\1",
                                          "^[aeiou].*[^aeiou ]$", "(x|y|z)+[a-f]{2,4}"};
  OnigEncoding encodings[] = {ONIG_ENCODING_ASCII};
  onig_initialize(encodings, 1);
  uint64_t sum = kChecksum;
  for (unsigned n = Work(argc, argv, 7); n > 0; --n) {
    for (size_t i = 0; i < sizeof kPatterns / sizeof *kPatterns; ++i)
      sum = Search(kPatterns[i], text, size, sum);
  }
  return Finish("regex", sum);
}
