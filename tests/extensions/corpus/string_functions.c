/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "corpus.h"

CORPUS {
  char text[700], copy[700];
  const size_t length = size < 600 ? size : 600;
  for (size_t i = 0; i < length; ++i) text[i] = (char)("abcdefgh,;ijk "[input[i] % 14]);
  text[length] = 0;
  strcpy(copy, text);
  uint64_t hash = strlen(copy);
  hash = fold(hash, strspn(copy, "abc") + strcspn(copy, ",;"));
  const char *comma = strchr(copy, ','), *last = strrchr(copy, ';'), *found = strstr(copy, "b,");
  hash = fold(hash, (uint64_t)((comma ? comma - copy : 7) + (last ? last - copy : 8) + (found ? found - copy : 9)));
  memmove(copy + 3, copy, length / 2);
  memset(copy + 1, 'x', 2);
  hash = fold(hash, (strcmp(copy, text) < 0) + (strncmp(copy, text, 1) == 0) * 2u);
  const char* zero = (const char*)memchr(copy, 0, sizeof(copy));
  hash = fold(hash, (uint64_t)(zero - copy));
  char number[8] = "-123";
  hash = fold(hash, (uint64_t)(strtol(number, NULL, 10) + (long)strtoul("ff", NULL, 16) + atoi("42")));
  for (const char* c = copy; *c; ++c) hash = fold(hash, (unsigned char)*c);
  return hash;
}
