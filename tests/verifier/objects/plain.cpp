// SPDX-License-Identifier: Apache-2.0
// Ordinary C++: classes, virtual calls, lambdas, loops that vectorise, atomics, floating point.
#include <stddef.h>
#include <stdint.h>

namespace {

class Shape {
 public:
  virtual int area(int) const = 0;
};
class Square final : public Shape {
 public:
  int area(int x) const override { return x * x; }
};
class Circle final : public Shape {
 public:
  int area(int x) const override { return static_cast<int>(3.14 * x * x); }
};

Square square;
Circle circle;
int started = 42;

template <typename F>
int apply(F f, int n) {
  int sum = 0;
  for (int i = 0; i < n; ++i) sum += f(i);
  return sum;
}

uint64_t counters[64];
int (*volatile hook)(int);
int twice(int x) { return 2 * x; }
int depth(int n) { return n == 0 ? 0 : 1 + depth(n - 1); }

}  // namespace

extern "C" __attribute__((section("plugin"))) int go(const Shape* shape, int n) {
  hook = twice;
  if (shape == nullptr) shape = n & 1 ? static_cast<const Shape*>(&square) : &circle;
  __atomic_fetch_add(&counters[n & 63], 1, __ATOMIC_SEQ_CST);
  for (uint64_t& counter : counters) counter += n;
  switch (n) {
    case 1:
      return hook(1);
    case 2:
      return depth(n);
    case 3:
      return started;
    case 4:
      return apply([&](int i) { return shape->area(i); }, n);
    case 5:
      return static_cast<int>(counters[5] % 7);
    default:
      return __builtin_popcountll(counters[n & 7]);
  }
}
