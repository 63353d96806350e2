// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <utility>

#include "corpus.h"

namespace {
struct Node {
  uint8_t key = 0;
  uint32_t count = 1;
  std::unique_ptr<Node> left, right;
};

void insert(std::unique_ptr<Node>& root, uint8_t key) {
  if (!root) {
    root = std::make_unique<Node>();
    root->key = key;
  } else if (key == root->key) {
    ++root->count;
  } else {
    insert(key < root->key ? root->left : root->right, key);
  }
}

uint64_t walk(const Node* node, uint64_t hash) {
  if (!node) return fold(hash, 0);
  return walk(node->right.get(), fold(walk(node->left.get(), hash), node->key * 1000u + node->count));
}
}  // namespace

CORPUS {
  std::unique_ptr<Node> root;
  for (size_t i = 0; i < size; ++i) insert(root, input[i]);
  std::swap(root->left, root->right);
  auto array = std::make_unique<uint64_t[]>(size);
  uint64_t freed = 0;
  auto count = [&freed](uint64_t* value) { freed += *value; };
  for (size_t i = 0; i < size; ++i) {
    array[i] = i;
    std::unique_ptr<uint64_t, decltype(count)> guard(&array[i], count);
  }
  return fold(walk(root.get(), 1), freed);
}
