/* <arpa/inet.h>: Internet addresses as text and back, RFC 4291 §2.2 and dotted decimals. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vfs.h"

enum { kGroups = 8 };

/* Exactly four decimal numbers below 256. */
static int ParseDotted(const char *text, unsigned char out[4]) {
  for (int i = 0; i < 4; ++i) {
    if (i > 0 && *text++ != '.') return 0;
    if (*text < '0' || *text > '9') return 0;
    int digits = 0, value = 0;
    for (; *text >= '0' && *text <= '9' && digits < 4; ++digits) value = value * 10 + *text++ - '0';
    if (digits > 3 || value > 255) return 0;
    out[i] = (unsigned char)value;
  }
  return *text == 0;
}

static int ParseGroups(const char *text, unsigned char out[16]) {
  uint16_t groups[kGroups];
  int count = 0, gap = -1;
  if (text[0] == ':') {
    if (text[1] != ':') return 0;
    ++text;
  }
  while (*text != 0) {
    if (*text == ':') { /* the second of two: zeros stand here */
      if (gap >= 0) return 0;
      gap = count;
      if (*++text == 0) break;
    }
    if (count == kGroups) return 0;
    if (count <= kGroups - 2 && strchr(text, ':') == NULL && strchr(text, '.') != NULL) {
      unsigned char last[4];
      if (!ParseDotted(text, last)) return 0;
      groups[count++] = (uint16_t)(last[0] << 8 | last[1]);
      groups[count++] = (uint16_t)(last[2] << 8 | last[3]);
      break;
    }
    size_t digits = strspn(text, "0123456789abcdefABCDEF");
    if (digits == 0 || digits > 4) return 0;
    groups[count++] = (uint16_t)strtoul(text, NULL, 16);
    text += digits;
    if (*text == 0) break;
    if (*text++ != ':' || *text == 0) return 0;
  }
  if (gap < 0 ? count != kGroups : count == kGroups) return 0;
  memset(out, 0, 16);
  for (int i = 0; i < count; ++i) {
    int at = gap >= 0 && i >= gap ? i + kGroups - count : i;
    out[2 * at] = (unsigned char)(groups[i] >> 8);
    out[2 * at + 1] = (unsigned char)groups[i];
  }
  return 1;
}

int inet_pton(int family, const char *text, void *out) {
  if (family == AF_INET) return ParseDotted(text, out);
  if (family == AF_INET6) return ParseGroups(text, out);
  return (int)zvm_result(-EAFNOSUPPORT);
}

/* The longest run of two or more zero groups: its start, and its length or 0. */
static int LongestZeros(const unsigned char *bytes, int *length) {
  int best = 0, start = 0;
  *length = 0;
  for (int i = 0; i < kGroups; ++i) {
    if (bytes[2 * i] != 0 || bytes[2 * i + 1] != 0) {
      start = i + 1;
    } else if (i + 1 - start > *length && i + 1 - start > 1) {
      best = start;
      *length = i + 1 - start;
    }
  }
  return best;
}

const char *inet_ntop(int family, const void *address, char *out, socklen_t size) {
  const unsigned char *bytes = address;
  char text[INET6_ADDRSTRLEN];
  size_t used = 0;
  if (family == AF_INET) {
    used = (size_t)sprintf(text, "%d.%d.%d.%d", bytes[0], bytes[1], bytes[2], bytes[3]);
  } else if (family == AF_INET6) {
    int length, zeros = LongestZeros(bytes, &length);
    for (int i = 0; i < kGroups; ++i) {
      if (length > 0 && i == zeros) {
        used += (size_t)sprintf(text + used, "::");
        i += length - 1;
        continue;
      }
      const char *colon = i > 0 && text[used - 1] != ':' ? ":" : "";
      used += (size_t)sprintf(text + used, "%s%x", colon, bytes[2 * i] << 8 | bytes[2 * i + 1]);
    }
  } else {
    zvm_result(-EAFNOSUPPORT);
    return NULL;
  }
  if (used >= size) {
    zvm_result(-ENOSPC);
    return NULL;
  }
  return memcpy(out, text, used + 1);
}

int inet_aton(const char *text, struct in_addr *out) {
  return inet_pton(AF_INET, text, out);
}

in_addr_t inet_addr(const char *text) {
  struct in_addr address;
  return inet_aton(text, &address) ? address.s_addr : INADDR_NONE;
}

char *inet_ntoa(struct in_addr address) {
  static char text[INET_ADDRSTRLEN];
  return (char *)inet_ntop(AF_INET, &address, text, sizeof text);
}
