/* The map half of a distributed word count: every word of standard input goes, with the times it
 * was seen, to one of the channels /dev/out/reduce-1, -2, … chosen by the word's digest, so that
 * one reducer sees all the counts of a word. Ends of the channels are ends of the input of
 * reduce. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 1 << 14, WORD_MAX = 64, REDUCERS_MAX = 64 };

struct word {
  struct word *next;
  unsigned long count;
  unsigned digest;
  char text[WORD_MAX];
};
static struct word *buckets[BUCKETS];

static void Count(const char *text) {
  unsigned digest = 2166136261u; /* FNV-1a */
  for (const char *c = text; *c != 0; ++c) digest = (digest ^ (unsigned char)*c) * 16777619u;
  struct word **at = &buckets[digest % BUCKETS];
  while (*at != NULL && strcmp((*at)->text, text) != 0) at = &(*at)->next;
  if (*at == NULL) {
    *at = calloc(1, sizeof **at);
    if (*at == NULL) exit(1);
    (*at)->digest = digest;
    strcpy((*at)->text, text);
  }
  ++(*at)->count;
}

int main(void) {
  FILE *reducers[REDUCERS_MAX];
  unsigned count = 0;
  char name[sizeof "/dev/out/reduce-" + 10];
  while (count < REDUCERS_MAX) {
    snprintf(name, sizeof name, "/dev/out/reduce-%u", count + 1);
    reducers[count] = fopen(name, "w");
    if (reducers[count] == NULL) break;
    ++count;
  }
  if (count == 0) {
    fprintf(stderr, "map: there is no channel /dev/out/reduce-1\n");
    return 1;
  }
  char word[WORD_MAX];
  size_t length = 0;
  for (int c = 0; c != EOF;) {
    c = getchar();
    if (c != EOF && isalpha(c)) {
      if (length < WORD_MAX - 1) word[length++] = (char)tolower(c);
    } else if (length > 0) {
      word[length] = 0;
      Count(word);
      length = 0;
    }
  }
  for (size_t i = 0; i < BUCKETS; ++i) {
    for (struct word *w = buckets[i]; w != NULL; w = w->next)
      fprintf(reducers[w->digest % count], "%lu %s\n", w->count, w->text);
  }
  for (unsigned i = 0; i < count; ++i) {
    if (fclose(reducers[i]) != 0) return 1;
  }
  return 0;
}
