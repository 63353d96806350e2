/* SPDX-License-Identifier: Apache-2.0 */
#include "corpus.h"

/* By value in registers, on the stack, returned, with bit fields, unions and packed members. */
struct small {
  uint32_t a;
  double b;
};
struct large {
  uint64_t words[9];
  uint8_t tail;
};
struct bits {
  unsigned low : 3;
  int middle : 7;
  uint64_t high : 40;
};
struct __attribute__((packed)) packed {
  uint8_t a;
  uint32_t b;
  uint16_t c;
};
union both {
  double d;
  uint64_t u;
  uint8_t bytes[8];
};

static __attribute__((noinline)) struct small mixed(struct small s, uint64_t n) {
  s.a += (uint32_t)n;
  s.b *= 2;
  return s;
}
static __attribute__((noinline)) struct large shuffled(struct large l, int by, struct small s) {
  struct large result = l;
  for (int i = 0; i < 9; ++i) result.words[(i + by) % 9] = l.words[i] ^ s.a;
  ++result.tail;
  return result;
}

CORPUS {
  struct large large = {{1, 2, 3, 4, 5, 6, 7, 8, 9}, 0};
  struct small small = {1, 0.5};
  struct bits bits = {0, 0, 0};
  struct packed packed[5] = {{0, 0, 0}};
  union both both = {.u = 0};
  for (size_t i = 0; i < size; ++i) {
    small = mixed(small, input[i]);
    if (small.b > 1e9) small.b = 0.25;
    large = shuffled(large, input[i] % 9, small);
    bits.low += input[i] & 7u;
    bits.middle = (int8_t)input[i] / 2;
    bits.high = bits.high * 5 + (uint64_t)(int64_t)bits.middle;
    packed[i % 5].b += bits.low;
    packed[i % 5].c = (uint16_t)(packed[(i + 1) % 5].b >> 2);
    both.d = small.b + input[i];
    large.words[i % 9] += both.bytes[6] + both.u;
  }
  uint64_t hash = fold(large.tail, bits.high);
  for (int i = 0; i < 9; ++i) hash = fold(hash, large.words[i]);
  for (int i = 0; i < 5; ++i) hash = fold(hash, packed[i].b + packed[i].c);
  return hash;
}
