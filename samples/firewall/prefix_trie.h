// SPDX-License-Identifier: Apache-2.0
// Finds the rules whose source prefix holds an address: a binary trie, one linked node for each bit of a prefix.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "address.h"

namespace firewall {

class PrefixTrie {
 public:
  void insert(const net::Prefix& prefix, size_t rule) {
    Node* node = &root_;
    for (unsigned i = 0; i < prefix.length; ++i) {
      auto& child = node->children[prefix.address.bit(i)];
      if (!child) child = std::make_unique<Node>();
      node = child.get();
    }
    node->rules.push_back(rule);
  }

  // Calls visit(rule) for each rule on the way from the shortest matching prefix to the longest.
  template <typename Visit>
  void visit_matches(const net::Address& address, Visit visit) const {
    const Node* node = &root_;
    for (unsigned i = 0; node; ++i) {
      for (size_t rule : node->rules) visit(rule);
      node = i < 128 ? node->children[address.bit(i)].get() : nullptr;
    }
  }

 private:
  struct Node {
    std::unique_ptr<Node> children[2];
    std::vector<size_t> rules;  // ascending
  };
  Node root_;
};

}  // namespace firewall
