// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "check.h"

namespace {
int by_value(const void* a, const void* b) { return *static_cast<const int*>(a) - *static_cast<const int*>(b); }
}  // namespace

// Every length and alignment, against the plain loop.
FACILITY(memory_functions) {
  static unsigned char a[512], b[512];
  for (size_t length = 0; length < 200; ++length) {
    for (size_t shift = 0; shift < 20; ++shift) {
      for (size_t i = 0; i < sizeof(a); ++i) a[i] = b[i] = static_cast<unsigned char>(i * 7 + length);
      memmove(a + 100 + shift, a + 105, length);
      for (size_t i = 0; i < length; ++i) CHECK(a[100 + shift + i] == b[105 + i]);
      CHECK(a[99 + shift] == b[99 + shift] && a[100 + shift + length] == b[100 + shift + length]);
      memset(a + shift, 0xa5, length);
      for (size_t i = 0; i < length; ++i) CHECK(a[shift + i] == 0xa5);
      CHECK(a[shift + length] == (shift + length >= 100 ? a[shift + length] : b[shift + length]));
      memcpy(a + shift, b + 3, length);
      CHECK(memcmp(a + shift, b + 3, length) == 0);
      if (length > 0) {
        a[shift + length / 2] ^= 1;
        int order = memcmp(a + shift, b + 3, length);
        CHECK(order != 0 && (order < 0) == (a[shift + length / 2] < b[3 + length / 2]));
      }
    }
  }
  return 0;
}

FACILITY(strings) {
  char text[64];
  CHECK(strlen(strcpy(text, "one two")) == 7 && strcmp(strcat(text, " three"), "one two three") == 0);
  CHECK(strchr(text, 't') == text + 4 && strrchr(text, 't') == text + 8 && strstr(text, "thr") == text + 8);
  CHECK(strncmp(text, "one!", 3) == 0 && strcasecmp("ABC", "abc") == 0 && strnlen(text, 4) == 4);
  CHECK(memchr(text, 'w', 13) == text + 5 && memchr(text, 'z', 13) == nullptr && strspn(text, "eno") == 3);
  for (size_t shift = 0; shift < 16; ++shift) CHECK(strlen(&"0123456789abcdef0123456789abcdef"[shift]) == 32 - shift);
  char* copy = strdup(text);
  CHECK(strcmp(copy, text) == 0);
  free(copy);
  CHECK(isdigit('7') && !isalpha('7') && toupper('q') == 'Q' && isspace('\n') && isxdigit('F'));
  return 0;
}

FACILITY(stdlib) {
  char* end = nullptr;
  CHECK(strtol("  -0x1fz", &end, 0) == -31 && *end == 'z' && atoi("77") == 77);
  errno = 0;
  CHECK(strtoull("99999999999999999999", nullptr, 10) == ~0ull && errno == ERANGE);
  int numbers[]{5, 2, 8, 1, 9, 3}, key = 8;
  qsort(numbers, 6, sizeof(int), by_value);
  CHECK(numbers[0] == 1 && numbers[5] == 9 && bsearch(&key, numbers, 6, sizeof(int), by_value) == &numbers[4]);
  assert(numbers[0] == 1);
  return 0;
}
