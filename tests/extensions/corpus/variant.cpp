// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <variant>
#include <vector>

#include "corpus.h"

namespace {
struct Circle {
  uint32_t radius;
};
struct Square {
  uint64_t side;
};
using Shape = std::variant<std::monostate, Circle, Square, std::string>;

struct Area {
  uint64_t operator()(std::monostate) const { return 0; }
  uint64_t operator()(const Circle& circle) const { return 3ull * circle.radius * circle.radius; }
  uint64_t operator()(const Square& square) const { return square.side * square.side; }
  uint64_t operator()(const std::string& text) const { return text.size(); }
};
}  // namespace

CORPUS {
  std::vector<Shape> shapes;
  for (size_t i = 0; i < size; ++i) {
    switch (input[i] % 4) {
      case 0:
        shapes.emplace_back();
        break;
      case 1:
        shapes.emplace_back(Circle{input[i]});
        break;
      case 2:
        shapes.emplace_back(Square{i});
        break;
      default:
        shapes.emplace_back(std::string(i % 60, 'x'));
    }
  }
  shapes[0] = std::string("a string that does not fit the short buffer");
  uint64_t hash = 1;
  for (const Shape& shape : shapes) hash = fold(hash, std::visit(Area{}, shape) + shape.index());
  for (const Shape& shape : shapes) {
    if (const auto* square = std::get_if<Square>(&shape)) hash = fold(hash, square->side);
  }
  return hash;
}
