// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <numeric>
#include <vector>

#include "corpus.h"

CORPUS {
  std::vector<uint32_t> a(input, input + size), b;
  std::transform(a.begin(), a.end(), std::back_inserter(b), [](uint32_t n) { return n * 2654435761u >> 20; });
  std::sort(b.begin(), b.end());
  std::stable_sort(a.begin(), a.end(), [](uint32_t x, uint32_t y) { return x / 16 < y / 16; });
  uint64_t hash = 1;
  for (uint32_t n : a) hash = fold(hash, n);
  for (uint32_t n : b) hash = fold(hash, n);
  b.erase(std::unique(b.begin(), b.end()), b.end());
  hash = fold(hash, static_cast<uint64_t>(std::lower_bound(b.begin(), b.end(), 2000u) - b.begin()));
  std::rotate(b.begin(), b.begin() + static_cast<ptrdiff_t>(b.size() / 3), b.end());
  std::nth_element(a.begin(), a.begin() + static_cast<ptrdiff_t>(a.size() / 2), a.end());
  hash = fold(hash, a[a.size() / 2]);
  std::sort(a.begin(), a.end());  // where nth_element leaves the others is the library's to choose
  std::make_heap(b.begin(), b.end());
  std::sort_heap(b.begin(), b.end(), std::less<>());
  int permutations = 0;
  for (std::vector<int> p{1, 2, 3, 4, 5}; std::next_permutation(p.begin(), p.end());) ++permutations;
  hash = fold(hash, std::accumulate(b.begin(), b.end(), uint64_t{0}) + static_cast<uint64_t>(permutations));
  hash = fold(hash, std::gcd(b.front() + 12, 360u) + std::lcm(6u, 4u));
  std::partial_sum(a.begin(), a.end(), a.begin());
  return fold(hash, std::count_if(a.begin(), a.end(), [](uint32_t n) { return n & 1; }) +
                        *std::max_element(b.begin(), b.end()));
}
