// SPDX-License-Identifier: Apache-2.0
// Arrays of variable length and alloca: %rsp is set from registers.
#include "program.h"

#pragma clang diagnostic ignored "-Wvla"
#pragma clang diagnostic ignored "-Wvla-cxx-extension"
namespace program {
namespace {
__attribute__((noinline)) uint64_t touch(uint32_t* values, unsigned count) {
  uint64_t sum = 0;
  for (unsigned i = 0; i < count; ++i) sum += values[i] *= i + 1;
  return sum;
}
__attribute__((noinline)) uint64_t one(unsigned count, uint64_t seed) {
  uint32_t values[count];
  for (unsigned i = 0; i < count; ++i) values[i] = static_cast<uint32_t>(seed + i);
  return touch(values, count);
}
__attribute__((noinline)) uint64_t in_loop(Random& random) {
  uint64_t hash = 0;
  for (int round = 0; round < 20; ++round) {
    const unsigned rows = 1 + random.below(7), columns = 1 + random.below(90);
    uint32_t table[rows][columns];
    for (unsigned r = 0; r < rows; ++r)
      for (unsigned c = 0; c < columns; ++c) table[r][c] = static_cast<uint32_t>(random.next());
    hash = fold(hash, touch(&table[0][0], rows * columns));
    if (round > 12 && rows == 3) break;
  }
  return hash;
}
__attribute__((noinline)) uint64_t chain(unsigned depth, Random& random) {
  struct Node {
    Node* next;
    uint64_t value;
  };
  Node* head = nullptr;
  for (unsigned i = 0; i < depth; ++i) {
    Node* node = static_cast<Node*>(__builtin_alloca(sizeof(Node) + random.below(100)));
    *node = {head, random.next()};
    head = node;
  }
  uint64_t hash = depth == 0 ? 0 : chain(depth - 1, random);
  for (; head != nullptr; head = head->next) hash = fold(hash, head->value);
  return hash;
}
}  // namespace
}  // namespace program

PROGRAM(variable_arrays) {
  using namespace program;
  Random random(seed);
  uint64_t hash = one(1 + random.below(3000), seed);
  hash = fold(hash, one(20000, seed));  // 80 KB
  hash = fold(hash, in_loop(random));
  return fold(hash, chain(20, random));
}
