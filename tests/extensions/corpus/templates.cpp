// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <concepts>
#include <type_traits>
#include <utility>

#include "corpus.h"

namespace {
template <typename Derived>
struct Shape {
  uint64_t doubled() const { return static_cast<const Derived*>(this)->area() * 2; }
};
struct Square : Shape<Square> {
  uint64_t side = 0;
  uint64_t area() const { return side * side; }
};
template <std::unsigned_integral T, T... values>
constexpr std::array<T, sizeof...(values)> squares(std::integer_sequence<T, values...>) {
  return {static_cast<T>(values * values)...};
}
constexpr auto table = squares(std::make_integer_sequence<uint32_t, 256>());
consteval uint64_t fibonacci(unsigned n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }
template <typename... Values>
uint64_t fold_all(uint64_t hash, Values... values) {
  ((hash = fold(hash, static_cast<uint64_t>(values))), ...);
  return hash;
}
template <unsigned N>
struct Power {
  static uint64_t of(uint64_t value) {
    if constexpr (N == 0)
      return 1;
    else
      return value * Power<N - 1>::of(value);
  }
};
}  // namespace

CORPUS {
  uint64_t hash = fibonacci(20);
  for (size_t i = 0; i < size; ++i) {
    Square square;
    square.side = input[i];
    hash = fold_all(hash, square.doubled(), table[input[i]], Power<7>::of(input[i]), input[i] > 9, 'c', -1L);
  }
  return hash;
}
