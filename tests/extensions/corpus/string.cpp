// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "corpus.h"

CORPUS {
  std::string text, reversed;
  for (size_t i = 0; i < size; ++i) text += static_cast<char>('a' + input[i] % 26);
  reversed.assign(text.rbegin(), text.rend());
  text += " " + reversed + std::to_string(size) + std::to_string(-12345);
  uint64_t hash = text.size();
  for (size_t at = text.find("a"); at != text.npos; at = text.find("a", at + 1)) hash = fold(hash, at);
  text.replace(2, 3, "replacement longer than the short string buffer");
  text.insert(1, reversed, 3, 5);
  text.erase(4, 2);
  hash = fold(hash, static_cast<uint64_t>(text.compare(reversed) < 0));
  hash = fold(hash, static_cast<uint64_t>(std::stoi(std::to_string(input[0])) + std::stol("77", nullptr, 8)));
  for (char c : text) hash = fold(hash, static_cast<unsigned char>(c));
  return hash;
}
