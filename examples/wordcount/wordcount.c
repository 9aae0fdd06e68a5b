/* Counts words of the input channel and prints the ten most frequent, as `sort | uniq -c` would. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 1 << 16, WORD_MAX = 64, SHOWN = 10 };

struct word {
  struct word *next;
  unsigned long count;
  char text[];
};

static struct word *buckets[BUCKETS];
static size_t distinct;

static void Count(const char *text, size_t length) {
  unsigned hash = 2166136261u;
  for (size_t i = 0; i < length; ++i) hash = (hash ^ (unsigned char)text[i]) * 16777619u;
  struct word **at = &buckets[hash % BUCKETS];
  while (*at != NULL && strcmp((*at)->text, text) != 0) at = &(*at)->next;
  if (*at == NULL) {
    *at = calloc(1, sizeof **at + length + 1);
    if (*at == NULL) exit(1);
    memcpy((*at)->text, text, length + 1);
    ++distinct;
  }
  ++(*at)->count;
}

static int MoreFrequent(const void *a, const void *b) {
  const struct word *x = *(struct word *const *)a;
  const struct word *y = *(struct word *const *)b;
  if (x->count != y->count) return x->count < y->count ? 1 : -1;
  return strcmp(x->text, y->text);
}

int main(void) {
  char word[WORD_MAX];
  size_t length = 0;
  for (int c; (c = getchar()) != EOF;) {
    if (isalpha(c) && length < WORD_MAX - 1) {
      word[length++] = (char)tolower(c);
    } else if (length > 0 && !isalpha(c)) {
      word[length] = 0;
      Count(word, length);
      length = 0;
    }
  }
  if (length > 0) {
    word[length] = 0;
    Count(word, length);
  }
  struct word **sorted = malloc((distinct + 1) * sizeof *sorted);
  if (sorted == NULL) return 1;
  size_t n = 0;
  for (size_t i = 0; i < BUCKETS; ++i) {
    for (struct word *w = buckets[i]; w != NULL; w = w->next) sorted[n++] = w;
  }
  qsort(sorted, n, sizeof *sorted, MoreFrequent);
  for (size_t i = 0; i < n && i < SHOWN; ++i)
    printf("%8lu %s\n", sorted[i]->count, sorted[i]->text);
  return 0;
}
