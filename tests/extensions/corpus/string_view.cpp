// SPDX-License-Identifier: Apache-2.0
#include <string_view>

#include "corpus.h"

// Splits the input at bytes below 32 and compares the words.
CORPUS {
  const std::string_view whole(reinterpret_cast<const char*>(input), size);
  uint64_t hash = 1;
  std::string_view rest = whole, longest;
  while (!rest.empty()) {
    size_t end = 0;
    while (end < rest.size() && static_cast<unsigned char>(rest[end]) >= 32) ++end;
    const std::string_view word = rest.substr(0, end);
    if (word.size() > longest.size() || (word.size() == longest.size() && word < longest)) longest = word;
    hash = fold(hash, word.size() * 2 + word.starts_with("A"));
    rest.remove_prefix(end < rest.size() ? end + 1 : end);
  }
  hash = fold(hash, longest.size());
  hash = fold(hash, whole.find(longest));
  hash = fold(hash, whole.rfind('z') + whole.find_first_of("abc") + whole.find_last_not_of(whole.substr(0, 5)));
  return fold(hash, std::string_view("key=value").find("=value"));
}
