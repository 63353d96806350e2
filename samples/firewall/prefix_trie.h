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

  // Calls visit(rules), which are those of one prefix in ascending order, for each prefix that matches, the shortest
  // first.
  template <typename Visit>
  [[gnu::always_inline]] void visit_matches(const net::Address& address, Visit visit) const {
    const Bits bits(address);
    for (const Node* node = root_.get(); node && node->holds(bits); node = node->child_of(bits)) visit(node->rules);
  }

 private:
  // An address as two numbers. There is a bit after the last, which is 0.
  struct Bits {
    uint64_t halves[2];

    explicit Bits(const net::Address& address) : halves{address.half(0), address.half(1)} {}
    bool operator[](unsigned index) const { return index < 128 && (halves[index / 64] >> (63 - index % 64) & 1); }
    // How many bits are the same from the first on.
    unsigned common(const Bits& other) const {
      const unsigned first = static_cast<unsigned>(std::countl_zero(halves[0] ^ other.halves[0]));
      return first < 64 ? first : 64 + static_cast<unsigned>(std::countl_zero(halves[1] ^ other.halves[1]));
    }
  };

  struct Node {
    Node(const Bits& of, unsigned bits_length)
        : bits(of),
          length(bits_length),
          half(bits_length < 64 ? 0 : 1),
          shift(63 - bits_length % 64),
          masks{mask(bits_length), bits_length < 64 ? 0 : mask(bits_length - 64)} {}

    static uint64_t mask(unsigned count) { return count == 0 ? 0 : count >= 64 ? ~0ull : ~0ull << (64 - count); }
    bool holds(const Bits& address) const {
      return ((address.halves[0] ^ bits.halves[0]) & masks[0]) == 0 &&
             ((address.halves[1] ^ bits.halves[1]) & masks[1]) == 0;
    }
    // By the bit after the prefix. A whole address has no children, whatever that finds.
    const Node* child_of(const Bits& address) const { return children[address.halves[half] >> shift & 1].get(); }

    Bits bits;  // after `length` of them anything
    unsigned length;
    unsigned half, shift;  // where the bit after them is
    uint64_t masks[2];
    std::unique_ptr<Node> children[2];
    std::vector<size_t> rules;  // ascending
  };
  std::unique_ptr<Node> root_;
};

}  // namespace firewall
