// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <set>
#include <string>

#include "corpus.h"

CORPUS {
  std::map<std::string, uint64_t> words;
  std::multimap<uint8_t, size_t> positions;
  std::set<uint16_t> pairs;
  uint64_t hash = 1;
  for (size_t i = 0; i + 3 < size; ++i) {
    words[std::string(input + i, input + i + 3)] += i;
    positions.emplace(input[i], i);
    pairs.insert(static_cast<uint16_t>(input[i] << 8 | input[i + 1]));
    if (i % 5 == 0) words.erase(words.begin());
  }
  for (const auto& [word, sum] : words) hash = fold(hash, sum + static_cast<unsigned char>(word[0]));
  const auto [first, last] = positions.equal_range(input[0]);
  for (auto it = first; it != last; ++it) hash = fold(hash, it->second);
  const auto bound = pairs.lower_bound(0x8000);
  hash = fold(hash, bound == pairs.end() ? 0 : *bound);
  return fold(hash, static_cast<uint64_t>(std::distance(pairs.begin(), bound)));
}
