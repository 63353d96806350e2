// SPDX-License-Identifier: Apache-2.0
#include <forward_list>
#include <list>

#include "corpus.h"

CORPUS {
  std::list<uint32_t> numbers, others;
  std::forward_list<uint8_t> chain;
  for (size_t i = 0; i < size; ++i) {
    numbers.push_back(input[i] * 7u % 253u);
    others.push_front(input[i]);
    chain.push_front(input[i]);
  }
  numbers.sort();
  others.sort();
  numbers.merge(others);
  numbers.unique();
  numbers.remove_if([](uint32_t n) { return n % 3 == 0; });
  numbers.splice(numbers.begin(), numbers, --numbers.end());
  numbers.reverse();
  chain.reverse();
  uint64_t hash = numbers.size();
  for (uint32_t number : numbers) hash = fold(hash, number);
  for (uint8_t byte : chain) hash = fold(hash, byte);
  return hash;
}
