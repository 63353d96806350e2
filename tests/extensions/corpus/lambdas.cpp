// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <utility>

#include "corpus.h"

namespace {
template <typename... Functions>
struct Overload : Functions... {
  using Functions::operator()...;
};
auto compose(auto f, auto g) {
  return [=](auto value) { return g(f(value)); };
}
}  // namespace

CORPUS {
  uint64_t total = 0;
  auto add = [&total](uint64_t value) mutable -> uint64_t { return total += value; };
  auto factorial = [](auto self, uint64_t n) -> uint64_t { return n < 2 ? 1 : n * self(self, n - 1); };
  auto pipeline =
      compose([](uint32_t n) { return n * 3u; }, [size](uint32_t n) { return n ^ static_cast<uint32_t>(size); });
  Overload kind{[](uint8_t) { return 1u; }, [](uint64_t) { return 2u; }, [](const char*) { return 3u; }};
  uint64_t (*plain)(uint64_t) = [](uint64_t n) { return n + 1; };
  uint64_t hash = 1;
  for (size_t i = 0; i < size; ++i) {
    hash = fold(hash, add(input[i]) + factorial(factorial, input[i] % 15u) + pipeline(input[i]) + plain(i));
    hash = fold(hash, kind(input[i]) + kind(uint64_t{i}) + kind("x"));
  }
  return [hash, state = std::pair(total, size)]() mutable { return fold(hash, state.first++ + state.second); }();
}
