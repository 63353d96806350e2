// SPDX-License-Identifier: Apache-2.0
#include "corpus.h"

namespace {
uint64_t ackermann(uint64_t m, uint64_t n) {
  if (m == 0) return n + 1;
  return n == 0 ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, n - 1));
}
int queens(unsigned row, unsigned columns, unsigned left, unsigned right, unsigned n) {
  if (row == n) return 1;
  int count = 0;
  for (unsigned c = 0; c < n; ++c) {
    const unsigned bit = 1u << c;
    if ((columns | left | right) & bit) continue;
    count += queens(row + 1, columns | bit, (left | bit) << 1, (right | bit) >> 1, n);
  }
  return count;
}
bool is_even(uint64_t n);
[[gnu::noinline]] bool is_odd(uint64_t n) { return n != 0 && is_even(n - 1); }
[[gnu::noinline]] bool is_even(uint64_t n) { return n == 0 || is_odd(n - 1); }
uint64_t hanoi(unsigned disks, uint64_t from, uint64_t to, uint64_t via, uint64_t hash) {
  if (disks == 0) return hash;
  hash = fold(hanoi(disks - 1, from, via, to, hash), from * 4 + to);
  return hanoi(disks - 1, via, to, from, hash);
}
}  // namespace

CORPUS {
  uint64_t hash = ackermann(2, input[0] % 16u);
  hash = fold(hash, static_cast<uint64_t>(queens(0, 0, 0, 0, 5 + input[1] % 3u)));
  hash = fold(hash, is_even(input[2]));
  return hanoi(8, 1, 3, 2, hash);
}
