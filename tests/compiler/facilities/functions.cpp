// SPDX-License-Identifier: Apache-2.0
#include <functional>
#include <memory>

#include "check.h"

namespace {

struct Shape {
  virtual ~Shape() = default;
  virtual uint64_t area() const = 0;
};
struct Square : Shape {
  uint64_t side;
  explicit Square(uint64_t s) : side(s) {}
  uint64_t area() const override { return side * side; }
};
struct Box : Square {
  using Square::Square;
  uint64_t area() const override { return 6 * Square::area(); }
};

uint64_t twice(uint64_t x) { return 2 * x; }
uint64_t thrice(uint64_t x) { return 3 * x; }
uint64_t (*const table[])(uint64_t) = {twice, thrice};

uint64_t ackermann(uint64_t m, uint64_t n) {
  return m == 0 ? n + 1 : n == 0 ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, n - 1));
}

struct Global {
  uint64_t value;
  Global() : value(opaque(4711)) {}
  ~Global() { value = 0; }
} global;

}  // namespace

FACILITY(function) {
  uint64_t state = 1;
  std::function<uint64_t(uint64_t)> f = [&state](uint64_t x) { return state += x; };
  CHECK(f(5) == 6 && f(5) == 11);
  f = table[opaque(1)];
  CHECK(f(5) == 15 && table[opaque(0)](4) == 8);
  auto bound = std::bind(std::plus<int>(), std::placeholders::_1, 3);
  CHECK(bound(4) == 7 && std::invoke(twice, 4) == 8);
  return 0;
}

FACILITY(virtual_functions) {
  std::unique_ptr<Shape> shapes[]{std::make_unique<Square>(opaque(3)), std::make_unique<Box>(opaque(2))};
  CHECK(shapes[0]->area() == 9 && shapes[1]->area() == 24);
  return 0;
}

FACILITY(recursion) {
  CHECK(ackermann(2, opaque<uint64_t>(30)) == 63);
  return 0;
}

FACILITY(global_constructor) {
  static Global* const local = new Global;
  CHECK(global.value == 4711 && local->value == 4711);
  return 0;
}

FACILITY(switches) {
  uint64_t sum = 0;
  for (uint64_t i = 0; i < 12; ++i) {
    switch (opaque(i)) {
      case 0:
        sum += 11;
        break;
      case 1:
        sum ^= 7;
        break;
      case 2:
        sum *= 3;
        break;
      case 3:
        sum -= 1;
        break;
      case 4:
        sum = sum * 5 + 1;
        break;
      case 5:
        sum += 100;
        break;
      case 6:
        sum ^= 0x55;
        break;
      default:
        sum += i;
    }
  }
  CHECK(sum == ((((((11 ^ 7) * 3 - 1) * 5 + 1) + 100) ^ 0x55) + 7 + 8 + 9 + 10 + 11));
  return 0;
}
