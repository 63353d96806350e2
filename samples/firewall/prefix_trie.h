// SPDX-License-Identifier: Apache-2.0
// Finds the rules whose source prefix holds an address: a binary trie of linked nodes, without those that have one
// child and no rule.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "address.h"

namespace firewall {

class PrefixTrie {
 public:
  void insert(const net::Prefix& prefix, size_t rule) {
    const Bits bits(prefix.address);
    std::unique_ptr<Node>* link = &root_;
    while (*link && bits.common((*link)->bits) >= (*link)->length && (*link)->length <= prefix.length) {
      if ((*link)->length == prefix.length) return (*link)->rules.push_back(rule);
      link = &(*link)->children[bits[(*link)->length]];
    }
    auto node = std::make_unique<Node>(bits, prefix.length);
    node->rules.push_back(rule);
    if (*link) {
      const unsigned common = std::min({bits.common((*link)->bits), prefix.length, (*link)->length});
      const bool side = (*link)->bits[common];
      if (common == prefix.length) {
        node->children[side] = std::move(*link);
      } else {
        auto fork = std::make_unique<Node>(bits, common);
        fork->children[side] = std::move(*link);
        fork->children[!side] = std::move(node);
        node = std::move(fork);
      }
    }
    *link = std::move(node);
  }

  // Calls visit(rule) for each rule on the way from the shortest matching prefix to the longest.
  template <typename Visit>
  void visit_matches(const net::Address& address, Visit visit) const {
    const Bits bits(address);
    for (const Node* node = root_.get(); node && node->holds(bits); node = node->children[bits[node->length]].get()) {
      for (size_t rule : node->rules) visit(rule);
    }
  }

 private:
  // An address as two numbers. There is a bit after the last, which is 0.
  struct Bits {
    uint64_t high = 0, low = 0;

    explicit Bits(const net::Address& address) {
      for (size_t i = 0; i < 8; ++i) {
        high = high << 8 | address.bytes[i];
        low = low << 8 | address.bytes[8 + i];
      }
    }
    bool operator[](unsigned index) const {
      if (index >= 128) return false;
      return (index < 64 ? high >> (63 - index) : low >> (127 - index)) & 1;
    }
    // How many bits are the same from the first on.
    unsigned common(const Bits& other) const {
      if (high != other.high) return static_cast<unsigned>(std::countl_zero(high ^ other.high));
      return 64 + static_cast<unsigned>(std::countl_zero(low ^ other.low));
    }
  };

  struct Node {
    Node(const Bits& of, unsigned bits_length)
        : bits(of),
          length(bits_length),
          mask_high(mask(bits_length)),
          mask_low(bits_length < 64 ? 0 : mask(bits_length - 64)) {}

    static uint64_t mask(unsigned count) { return count == 0 ? 0 : count >= 64 ? ~0ull : ~0ull << (64 - count); }
    bool holds(const Bits& address) const {
      return ((address.high ^ bits.high) & mask_high) == 0 && ((address.low ^ bits.low) & mask_low) == 0;
    }

    Bits bits;  // after `length` of them anything
    unsigned length;
    uint64_t mask_high, mask_low;
    std::unique_ptr<Node> children[2];
    std::vector<size_t> rules;  // ascending
  };
  std::unique_ptr<Node> root_;
};

}  // namespace firewall
