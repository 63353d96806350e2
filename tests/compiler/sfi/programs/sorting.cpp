// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <numeric>
#include <ranges>
#include <vector>

#include "program.h"

PROGRAM(sorting) {
  using namespace program;
  Random random(seed);
  std::vector<uint64_t> numbers(1000);
  for (uint64_t& number : numbers) number = random.next() % 5000;
  std::vector<uint64_t> stable = numbers, heap = numbers, partial = numbers;
  std::sort(numbers.begin(), numbers.end(), [](uint64_t a, uint64_t b) { return a < b; });
  std::stable_sort(stable.begin(), stable.end(), [](uint64_t a, uint64_t b) { return a % 100 < b % 100; });
  std::make_heap(heap.begin(), heap.end());
  std::sort_heap(heap.begin(), heap.end());
  std::nth_element(partial.begin(), partial.begin() + 500, partial.end());
  uint64_t hash = partial[500];
  for (size_t i = 0; i < numbers.size(); ++i) hash = fold(hash, numbers[i] * 3 + stable[i] * 5 + heap[i]);
  hash = fold(hash, static_cast<uint64_t>(std::ranges::lower_bound(numbers, 2500) - numbers.begin()));
  for (uint64_t number : numbers | std::views::filter([](uint64_t n) { return n % 3 == 0; }) | std::views::take(40))
    hash = fold(hash, number);
  std::vector<double> reals(200);
  for (double& real : reals) real = static_cast<double>(random.below(1000)) / 8;
  std::ranges::sort(reals, std::greater<>());
  for (double real : reals) hash = fold(hash, static_cast<uint64_t>(real * 8));
  return fold(hash, std::accumulate(numbers.begin(), numbers.end(), uint64_t{0}));
}
