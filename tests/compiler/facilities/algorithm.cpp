// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <numeric>
#include <ranges>
#include <vector>

#include "check.h"

namespace {
template <typename T>
bool sorts() {
  std::vector<T> v;
  for (int i = 0; i < 3000; ++i) v.push_back(static_cast<T>(i * 7919 % 3001 % 120));
  std::sort(v.begin(), v.end());
  return std::is_sorted(v.begin(), v.end());
}
}  // namespace

FACILITY(algorithm) {
  CHECK(sorts<int>() && sorts<unsigned>() && sorts<long>() && sorts<unsigned long>() && sorts<char>());
  CHECK(sorts<unsigned char>() && sorts<short>() && sorts<float>() && sorts<double>() && sorts<long double>());
  std::vector<int> v{5, 1, 4, 2, 3};
  std::stable_sort(v.begin(), v.end(), std::greater<>());
  CHECK(v[0] == 5 && std::binary_search(v.rbegin(), v.rend(), 3));
  std::nth_element(v.begin(), v.begin() + 2, v.end());
  CHECK(v[2] == 3 && std::accumulate(v.begin(), v.end(), 0) == 15);
  std::next_permutation(v.begin(), v.end());
  std::rotate(v.begin(), v.begin() + 1, v.end());
  std::partial_sort(v.begin(), v.begin() + 2, v.end());
  CHECK(v[0] == 1 && v[1] == 2 && std::gcd(12, opaque(18)) == 6);
  return 0;
}

FACILITY(ranges) {
  std::vector<int> v{9, 2, 7, 4};
  std::ranges::sort(v);
  int sum = 0;
  for (int x :
       v | std::views::filter([](int y) { return y % 2 == 0; }) | std::views::transform([](int y) { return y * y; }))
    sum += x;
  CHECK(sum == 20 && std::ranges::max(v) == 9);
  int count = 0;
  for (int x : std::views::iota(0, opaque(100)) | std::views::reverse | std::views::take(10)) count += x;
  CHECK(count == 945);
  return 0;
}
