// SPDX-License-Identifier: Apache-2.0
#include <cstdarg>

#include "program.h"

namespace program {
namespace {
struct Triple {
  int64_t a, b, c;
};
__attribute__((noinline)) uint64_t collect(const char* kinds, ...) {
  va_list arguments;
  va_start(arguments, kinds);
  va_list again;
  va_copy(again, arguments);
  uint64_t hash = 1;
  for (const char* kind = kinds; *kind != 0; ++kind) {
    if (*kind == 'i') hash = fold(hash, va_arg(arguments, int));
    if (*kind == 'l') hash = fold(hash, va_arg(arguments, uint64_t));
    if (*kind == 'd') hash = fold(hash, static_cast<uint64_t>(va_arg(arguments, double) * 16));
    if (*kind == 't') {
      const Triple triple = va_arg(arguments, Triple);
      hash = fold(hash, triple.a - triple.b * triple.c);
    }
    if (*kind == 's')
      for (const char* c = va_arg(arguments, const char*); *c != 0; ++c) hash = fold(hash, *c);
  }
  if (kinds[0] == 'i') hash += va_arg(again, int);
  va_end(again);
  va_end(arguments);
  return hash;
}
}  // namespace
}  // namespace program

PROGRAM(variadic) {
  using namespace program;
  const int i = static_cast<int>(seed) + 3;
  uint64_t hash = collect("i", i);
  hash = fold(hash, collect("iiiiiiiiii", 1, 2, 3, 4, 5, 6, 7, 8, i, 10));
  hash = fold(hash, collect("dddddddddddi", 1.5, 2.25, 3.0, 4.0, 5.5, 6.0, 7.0, 8.0, 9.0, i / 2.0, 11.0, i));
  hash = fold(hash, collect("ltdsltds", seed, Triple{1, i, 3}, 2.5, "first", seed * 3, Triple{i, 5, 6}, 8.5, "second"));
  return hash;
}
