// SPDX-License-Identifier: Apache-2.0
// Longest-prefix match in a binary trie of linked nodes: 2000 prefixes of 8 to 28 bits.
#include "kernel.h"

namespace {
struct Node {
  Node* child[2];
  uint32_t rule;  // 0: none
};
constexpr uint32_t kNodes = 65536, kPrefixes = 2000, kQueries = 1024;
Node nodes[kNodes];
uint32_t used;
uint32_t queries[kQueries];

void insert(uint32_t prefix, uint32_t length, uint32_t rule) {
  Node* node = &nodes[0];
  for (uint32_t bit = 0; bit < length; ++bit) {
    Node*& child = node->child[prefix >> (31 - bit) & 1];
    if (child == nullptr) child = &nodes[used++];
    node = child;
  }
  node->rule = rule;
}
void set_up() {
  kernel::Random random;
  used = 1;
  for (uint32_t i = 1; i <= kPrefixes; ++i) {
    const uint32_t prefix = static_cast<uint32_t>(random.next()), length = 8 + random.below(21);
    insert(prefix, length, i);
    queries[i % kQueries] = random.below(4) == 0 ? static_cast<uint32_t>(random.next()) : prefix ^ random.below(16);
  }
}
uint32_t match(uint32_t address) {
  uint32_t rule = 0;
  for (const Node* node = &nodes[0]; node != nullptr; node = node->child[address >> 31], address <<= 1)
    if (node->rule != 0) rule = node->rule;
  return rule;
}
}  // namespace

KERNEL(trie) {
  if (used == 0) set_up();
  uint64_t sum = 0;
  for (uint64_t round = 0; round < rounds; ++round)
    for (const uint32_t query : queries) sum += match(query ^ static_cast<uint32_t>(round & 1));
  return sum;
}
