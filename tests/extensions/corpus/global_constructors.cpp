// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <vector>

#include "corpus.h"

namespace {
uint64_t order = 1;
struct Step {
  explicit Step(uint64_t id) : seen(order = fold(order, id)) {}
  uint64_t seen;
};
Step first(1), second(2);
const std::vector<uint32_t> primes = [] {
  std::vector<uint32_t> found;
  for (uint32_t n = 2; found.size() < 300; ++n) {
    bool prime = true;
    for (uint32_t p : found) prime = prime && n % p != 0;
    if (prime) found.push_back(n);
  }
  return found;
}();
const std::string greeting = std::string("made when loaded: ") + std::to_string(primes.back());
[[gnu::constructor(101)]] void early() { order = fold(order, 101); }
[[gnu::constructor]] void late() { order = fold(order, 102); }
Step third(3);
const Step* const pointers[] = {&first, &second, &third};  // needs relocation
uint64_t calls;
}  // namespace

CORPUS {
  static const std::string once = greeting + "!";  // made at the first call
  uint64_t hash = fold(order, ++calls);
  for (const Step* step : pointers) hash = fold(hash, step->seen);
  for (char c : once) hash = fold(hash, static_cast<unsigned char>(c));
  for (size_t i = 0; i < size; ++i) hash = fold(hash, primes[input[i]]);
  return hash;
}
