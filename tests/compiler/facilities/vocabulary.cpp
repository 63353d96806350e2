// SPDX-License-Identifier: Apache-2.0
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <variant>

#include "check.h"

FACILITY(optional) {
  std::optional<std::string> o;
  CHECK(!o && o.value_or("none") == "none");
  o = "some";
  CHECK(o.value() == "some" && o->size() == 4);
  return 0;
}

FACILITY(variant) {
  std::variant<int, std::string, double> v = std::string("text");
  CHECK(std::holds_alternative<std::string>(v) && std::get<1>(v) == "text");
  v = opaque(7);
  int seen = std::visit([](const auto& x) { return sizeof(x) == sizeof(int) ? 1 : 2; }, v);
  CHECK(seen == 1 && std::get_if<2>(&v) == nullptr);
  return 0;
}

FACILITY(span) {
  int numbers[]{1, 2, 3, 4, 5};
  std::span<int> s(numbers);
  CHECK(s.subspan(1, 3).back() == 4 && s.last(2).front() == 4 && s.size_bytes() == 20);
  auto [a, b] = std::tuple(1, std::string("x"));
  CHECK(a == 1 && b == "x" && std::pair(1, 2) < std::pair(1, 3));
  return 0;
}
