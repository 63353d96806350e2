// SPDX-License-Identifier: Apache-2.0
#include <optional>
#include <string>
#include <utility>

#include "corpus.h"

namespace {
std::optional<std::string> name_of(uint8_t byte) {
  if (byte % 3 == 0) return std::nullopt;
  return std::string(byte % 40 + 1u, static_cast<char>('a' + byte % 26));
}
}  // namespace

CORPUS {
  uint64_t hash = 1;
  std::optional<std::string> last;
  for (size_t i = 0; i < size; ++i) {
    std::optional<std::string> name = name_of(input[i]);
    hash = fold(hash, name.value_or("none").size());
    if (name > last) last = std::move(name);
    if (i % 50 == 49) last.reset();
  }
  return fold(hash, last ? static_cast<unsigned char>(last->front()) : 0);
}
