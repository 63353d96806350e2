// SPDX-License-Identifier: Apache-2.0
#include <functional>
#include <memory>
#include <vector>

#include "corpus.h"

namespace {
uint64_t twice(uint64_t value) { return value * 2; }
struct Adder {
  uint64_t amount, unused[8];
  uint64_t operator()(uint64_t value) const { return value + amount; }
};
}  // namespace

CORPUS {
  std::vector<std::function<uint64_t(uint64_t)>> steps{twice, Adder{input[0], {}}};
  auto shared = std::make_shared<uint64_t>(5);
  steps.emplace_back([shared](uint64_t value) { return value ^ ++*shared; });
  steps.emplace_back(std::bind(std::plus<uint64_t>(), std::placeholders::_1, 77));
  std::function<uint64_t(uint64_t)> collatz = [&](uint64_t n) {
    return n <= 1 ? 0 : 1 + collatz(n % 2 ? 3 * n + 1 : n / 2);
  };
  steps.push_back(collatz);
  uint64_t hash = 1;
  for (size_t i = 0; i < size; ++i) hash = fold(hash, steps[input[i] % steps.size()](input[i] + i));
  return fold(hash, *shared);
}
