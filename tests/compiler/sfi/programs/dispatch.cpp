// SPDX-License-Identifier: Apache-2.0
// Virtual functions, function pointers, std::function, members; indirect tail calls.
#include <functional>
#include <memory>
#include <vector>

#include "program.h"

namespace program {
namespace {
struct Shape {
  virtual ~Shape() = default;
  virtual uint64_t area(uint64_t scale) const = 0;
  virtual const Shape* larger(const Shape* other) const { return other->area(1) > area(1) ? other : this; }
};
struct Square : Shape {
  uint64_t side;
  explicit Square(uint64_t s) : side(s) {}
  uint64_t area(uint64_t scale) const override { return side * side * scale; }
};
struct Named {
  virtual ~Named() = default;
  virtual uint64_t name() const { return 11; }
};
struct Box : Named, Shape {  // its Shape calls go through adjusting thunks
  uint64_t width, height;
  Box(uint64_t w, uint64_t h) : width(w), height(h) {}
  uint64_t area(uint64_t scale) const override { return width * height * scale + name(); }
};
using Operation = uint64_t (*)(uint64_t, uint64_t);
uint64_t add(uint64_t a, uint64_t b) { return a + b; }
uint64_t multiply(uint64_t a, uint64_t b) { return a * (b | 1); }
uint64_t exclusive(uint64_t a, uint64_t b) { return a ^ (b >> 3); }
const Operation operations[] = {add, multiply, exclusive};
__attribute__((noinline)) uint64_t tail(Operation operation, uint64_t a, uint64_t b) { return operation(b, a); }
}  // namespace
}  // namespace program

PROGRAM(dispatch) {
  using namespace program;
  Random random(seed);
  std::vector<std::unique_ptr<Shape>> shapes;
  for (int i = 0; i < 60; ++i) {
    if (random.below(2) == 0)
      shapes.push_back(std::make_unique<Square>(random.below(100)));
    else
      shapes.push_back(std::make_unique<Box>(random.below(100), random.below(100)));
  }
  uint64_t hash = seed;
  const Shape* largest = shapes[0].get();
  for (const auto& shape : shapes) {
    hash = fold(hash, shape->area(hash & 15));
    largest = largest->larger(shape.get());
    hash = tail(operations[hash % 3], hash, random.next());
  }
  std::function<uint64_t(uint64_t)> chained = [&](uint64_t n) { return n == 0 ? hash : fold(chained(n - 1), n); };
  uint64_t (Shape::*member)(uint64_t) const = &Shape::area;
  return fold(chained(20), (largest->*member)(3));
}
