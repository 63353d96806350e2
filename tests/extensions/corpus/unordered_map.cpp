// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "corpus.h"

// The order of iteration is the library's, so only sums of it are used.
CORPUS {
  static std::unordered_map<uint32_t, uint64_t> kept;  // from call to call
  std::unordered_map<std::string, int> words;
  std::unordered_set<uint8_t> bytes;
  for (size_t i = 0; i + 4 <= size; ++i) {
    uint32_t key;
    memcpy(&key, input + i, 4);
    kept[key % 500] += i + 1;
    ++words[std::string(input + i, input + i + 2)];
    bytes.insert(input[i]);
    if (i % 13 == 0) kept.erase(key % 500 + 1);
  }
  uint64_t sum = 0;
  for (const auto& [key, value] : kept) sum += fold(key, value);
  for (const auto& [word, count] : words)
    sum += fold(static_cast<unsigned char>(word[1]), static_cast<uint64_t>(count));
  uint64_t hash = fold(sum, kept.size() + words.size() + bytes.size());
  words.reserve(4000);
  return fold(hash, words.contains("ab") + words.count("\x01\x02") + bytes.count(0));
}
