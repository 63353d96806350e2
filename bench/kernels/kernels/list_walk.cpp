// SPDX-License-Identifier: Apache-2.0
// Connections in an LRU list, 4096 nodes of 64 bytes in random order: a walk that sums, ages and moves some to the
// front.
#include "kernel.h"

namespace {
struct Node {
  Node *next, *previous;
  uint64_t id, used, bytes;
  uint64_t rest[3];
};
constexpr uint32_t kNodes = 4096;
Node nodes[kNodes];
Node head;

void unlink(Node* node) {
  node->previous->next = node->next;
  node->next->previous = node->previous;
}
void push_front(Node* node) {
  node->next = head.next;
  node->previous = &head;
  head.next->previous = node;
  head.next = node;
}
void set_up() {
  kernel::Random random;
  head.next = head.previous = &head;
  for (uint32_t i = 0; i < kNodes; ++i) nodes[i].id = i;
  for (uint32_t i = kNodes - 1; i > 0; --i) {
    const uint32_t j = random.below(i + 1);
    const uint64_t id = nodes[i].id;
    nodes[i].id = nodes[j].id;
    nodes[j].id = id;
  }
  for (uint32_t i = 0; i < kNodes; ++i) push_front(&nodes[nodes[i].id]);
}
}  // namespace

KERNEL(list_walk) {
  if (head.next == nullptr) set_up();
  uint64_t sum = 0;
  for (uint64_t round = 0; round < rounds; ++round) {
    for (Node* node = head.next; node != &head;) {
      Node* next = node->next;
      node->used += round & 1;
      node->bytes += node->id;
      sum += node->bytes ^ node->used;
      if ((node->id & 63) == (round & 63)) {
        unlink(node);
        push_front(node);
      }
      node = next;
    }
  }
  return sum;
}
