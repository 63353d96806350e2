/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>

#include "corpus.h"

/* 'i' int, 'l' 64 bits, 'd' double, 's' text, 'p' pointer to 64 bits */
static uint64_t fold_list(uint64_t hash, const char* kinds, va_list list) {
  va_list again;
  va_copy(again, list);
  for (const char* kind = kinds; *kind; ++kind) {
    switch (*kind) {
      case 'i':
        hash = fold(hash, (uint64_t)va_arg(list, int));
        break;
      case 'l':
        hash = fold(hash, va_arg(list, uint64_t));
        break;
      case 'd':
        hash = fold(hash, (uint64_t)(int64_t)(va_arg(list, double) * 1000));
        break;
      case 's':
        hash = fold(hash, strlen(va_arg(list, const char*)));
        break;
      default:
        hash = fold(hash, *va_arg(list, const uint64_t*));
    }
  }
  if (*kinds == 'i') hash = fold(hash, (uint64_t)va_arg(again, int));
  va_end(again);
  return hash;
}

static __attribute__((noinline)) uint64_t fold_all(uint64_t hash, const char* kinds, ...) {
  va_list list;
  va_start(list, kinds);
  hash = fold_list(hash, kinds, list);
  va_end(list);
  return hash;
}

CORPUS {
  uint64_t hash = 1;
  for (size_t i = 0; i < size; ++i) {
    hash = fold_all(hash, "ildsp", (int)input[i] - 128, hash, input[i] / 8.0, "four", &hash);
    hash = fold_all(hash, "iiiiiiiiii", 1, 2, 3, 4, 5, 6, 7, 8, 9, (int)i);
    hash = fold_all(hash, "dddddddddd", 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.5 + input[i]);
    hash = fold_all(hash, "");
  }
  return hash;
}
