// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <span>
#include <tuple>

#include "corpus.h"

namespace {
uint64_t sum(std::span<const uint8_t> bytes) {
  if (bytes.size() <= 2) return bytes.empty() ? 7 : bytes.front() * 3u + bytes.back();
  const size_t middle = bytes.size() / 2;
  return fold(sum(bytes.first(middle)), sum(bytes.subspan(middle)));
}
}  // namespace

CORPUS {
  std::array<uint16_t, 16> table{};
  std::span<uint16_t, 16> view(table);
  for (size_t i = 0; i < size; ++i) view[input[i] % 16] = static_cast<uint16_t>(view[input[i] % 16] + i);
  uint64_t hash = sum({input, size});
  for (std::byte byte : std::as_bytes(view)) hash = fold(hash, std::to_integer<uint64_t>(byte));
  const auto [low, high, name] = std::tuple(table[0], table.back(), 'x');
  return fold(hash, low + high + static_cast<unsigned>(name));
}
