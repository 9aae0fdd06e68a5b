/* cJSON: a document of a few hundred kilobytes is parsed, walked, printed and thrown away. */
#include "cJSON.h"
#include "kernel.h"

static char *MakeDocument(int records) {
  char *text = malloc((size_t)records * 160 + 16);
  uint64_t random = 11;
  size_t at = (size_t)sprintf(text, "[");
  for (int i = 0; i < records; ++i) {
    const uint64_t r = Random(&random);
    at += (size_t)sprintf(
        text + at,
        "%s{\"id\": %d, \"name\": \"user %x\\n\", \"tags\": [\"a\", \"b\\u00e9\", null, true],"
        " \"at\": {\"x\": %d.25, \"y\": -%d}}",
        i == 0 ? "" : ", ", i, (unsigned)(r & 0xffff), (int)(r >> 16 & 1023),
        (int)(r >> 26 & 1023));
  }
  sprintf(text + at, "]");
  return text;
}

int main(int argc, char **argv) {
  char *text = MakeDocument(3000);
  uint64_t sum = kChecksum;
  for (unsigned n = Work(argc, argv, 26); n > 0; --n) {
    cJSON *root = cJSON_Parse(text), *record = NULL;
    double total = n;
    cJSON_ArrayForEach(record, root) {
      const cJSON *at = cJSON_GetObjectItem(record, "at");
      total += cJSON_GetObjectItem(at, "x")->valuedouble + cJSON_GetArraySize(record);
    }
    char *printed = cJSON_PrintUnformatted(root);
    sum = Checksum(sum, printed, strlen(printed));
    sum = Checksum(sum, &total, sizeof total);
    free(printed);
    cJSON_Delete(root);
  }
  return Finish("json", sum);
}
