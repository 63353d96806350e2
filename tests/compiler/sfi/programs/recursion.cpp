// SPDX-License-Identifier: Apache-2.0
#include "program.h"

namespace program {
namespace {
__attribute__((noinline)) uint64_t ackermann(uint64_t m, uint64_t n) {
  if (m == 0) return n + 1;
  if (n == 0) return ackermann(m - 1, 1);
  return ackermann(m - 1, ackermann(m, n - 1));
}
__attribute__((noinline)) bool odd(unsigned n);
__attribute__((noinline)) bool even(unsigned n) { return n == 0 ? true : odd(n - 1); }
__attribute__((noinline)) bool odd(unsigned n) { return n == 0 ? false : even(n - 1); }

struct Board {
  unsigned size, columns, left, right;
};
__attribute__((noinline)) uint64_t queens(Board board) {
  const unsigned all = (1u << board.size) - 1;
  if (board.columns == all) return 1;
  uint64_t count = 0;
  for (unsigned free = all & ~(board.columns | board.left | board.right); free != 0; free &= free - 1) {
    const unsigned bit = free & -free;
    count += queens({board.size, board.columns | bit, (board.left | bit) << 1, (board.right | bit) >> 1});
  }
  return count;
}
__attribute__((noinline)) uint64_t permutations(unsigned char* items, unsigned count, unsigned from, uint64_t hash) {
  if (from == count) {
    for (unsigned i = 0; i < count; ++i) hash = fold(hash, items[i]);
    return hash;
  }
  for (unsigned i = from; i < count; ++i) {
    __builtin_memcpy(items + count, items, count);
    const unsigned char kept = items[from];
    items[from] = items[i];
    items[i] = kept;
    hash = permutations(items, count, from + 1, hash);
    items[i] = items[from];
    items[from] = kept;
  }
  return hash;
}
}  // namespace
}  // namespace program

PROGRAM(recursion) {
  using namespace program;
  unsigned char items[16] = {1, 2, 3, 4, 5, 6, 7, static_cast<unsigned char>(seed)};
  uint64_t hash = ackermann(2, 20 + seed % 10);
  hash = fold(hash, even(1000 + static_cast<unsigned>(seed)));
  hash = fold(hash, queens({7, 0, 0, 0}));
  return fold(hash, permutations(items, 6, 0, seed));
}
