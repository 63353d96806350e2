// SPDX-License-Identifier: Apache-2.0
#include <deque>
#include <queue>
#include <stack>

#include "corpus.h"

CORPUS {
  std::deque<uint64_t> both;
  std::priority_queue<uint32_t> heap;
  std::stack<uint8_t> stack;
  uint64_t hash = 1;
  for (size_t i = 0; i < size; ++i) {
    input[i] % 2 ? both.push_front(input[i]) : both.push_back(i);
    if (input[i] % 5 == 0) both.pop_front();
    heap.push(input[i] * 257u % 1001u);
    stack.push(input[i]);
  }
  for (size_t i = 0; i < both.size(); i += 3) hash = fold(hash, both[i]);
  while (!heap.empty()) {
    hash = fold(hash, heap.top());
    heap.pop();
  }
  while (stack.size() > 3) stack.pop();
  return fold(hash, stack.top());
}
