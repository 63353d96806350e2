// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <ranges>
#include <span>
#include <vector>

#include "corpus.h"

CORPUS {
  namespace views = std::views;
  const std::span bytes(input, size);
  uint64_t hash = 1;
  for (uint64_t n : bytes | views::filter([](uint8_t b) { return b % 3 != 0; }) |
                        views::transform([](uint8_t b) { return uint64_t{b} * b; }) | views::drop(2) |
                        views::take(100)) {
    hash = fold(hash, n);
  }
  struct Item {
    uint8_t key;
    size_t position;
  };
  std::vector<Item> items;
  for (size_t i : views::iota(size_t{0}, size)) items.push_back({input[i], i});
  std::ranges::sort(
      items, [](const Item& a, const Item& b) { return std::pair(a.key, a.position) > std::pair(b.key, b.position); });
  for (const Item& item : items | views::reverse) hash = fold(hash, item.key * 4096u + item.position);
  const auto found = std::ranges::find(items, uint8_t{65}, &Item::key);
  hash = fold(hash, static_cast<uint64_t>(found - items.begin()));
  for (auto piece : bytes | views::split(uint8_t{0}))
    hash = fold(hash, static_cast<uint64_t>(std::ranges::distance(piece)));
  return fold(hash,
              std::ranges::count(bytes, input[0]) + std::ranges::all_of(bytes, [](uint8_t b) { return b < 255; }));
}
