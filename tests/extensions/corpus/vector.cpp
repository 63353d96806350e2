// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include "corpus.h"

CORPUS {
  std::vector<uint32_t> numbers;
  std::vector<std::vector<uint8_t>> rows;
  uint64_t hash = 1;
  for (size_t i = 0; i < size; ++i) {
    numbers.push_back(input[i] * 3u);
    if (i % 7 == 0) numbers.insert(numbers.begin() + static_cast<ptrdiff_t>(i / 2), static_cast<uint32_t>(i));
    if (i % 11 == 0) numbers.erase(numbers.begin());
    rows.emplace_back(i % 5, input[i]);
  }
  numbers.resize(numbers.size() + 3, 9);
  numbers.shrink_to_fit();
  for (uint32_t number : numbers) hash = fold(hash, number);
  for (const auto& row : rows) hash = fold(hash, row.size() + (row.empty() ? 0 : row.back()));
  std::vector<bool> bits(size);
  for (size_t i = 0; i < size; i += 3) bits[i] = input[i] & 1;
  for (bool bit : bits) hash = fold(hash, bit);
  return hash;
}
