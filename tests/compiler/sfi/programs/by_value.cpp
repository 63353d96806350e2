// SPDX-License-Identifier: Apache-2.0
// Structures passed and returned by value: block copies, inline or as `rep movs`.
#include "program.h"

namespace program {
namespace {
struct Big {
  uint64_t v[100];
};
struct Odd {
  char v[203];
};
struct Pair {
  double x;
  int64_t y;
};

__attribute__((noinline)) Big rotate(Big big, unsigned by) {
  Big result = big;
  for (unsigned i = 0; i < 100; ++i) result.v[(i + by) % 100] = big.v[i];
  return result;
}
__attribute__((noinline)) Odd shift(Odd odd, int by) {
  for (char& c : odd.v) c = static_cast<char>(c + by);
  return odd;
}
__attribute__((noinline)) Pair swap(Pair pair) { return {static_cast<double>(pair.y), static_cast<int64_t>(pair.x)}; }
__attribute__((noinline)) uint64_t many(int a, Big b, int c, Odd d, int e, int f, int g, int h, int i, Pair p) {
  return b.v[static_cast<unsigned>(a + c) % 100] + static_cast<uint64_t>(d.v[e + f + g]) + h * i + p.y;
}
}  // namespace
}  // namespace program

PROGRAM(by_value) {
  using namespace program;
  Random random(seed);
  Big big;
  Odd odd;
  for (uint64_t& v : big.v) v = random.next();
  for (char& c : odd.v) c = static_cast<char>(random.next());
  Pair pair{3.0, static_cast<int64_t>(seed)};
  uint64_t hash = seed;
  for (int i = 0; i < 50; ++i) {
    big = rotate(big, random.below(100));
    odd = shift(odd, i);
    pair = swap(pair);
    hash = fold(hash, many(i, big, i + 1, odd, i, i, 3, 4, i, pair));
  }
  Big zero = {};
  zero.v[opaque(7)] = hash;
  for (uint64_t v : zero.v) hash = fold(hash, v);
  return hash;
}
