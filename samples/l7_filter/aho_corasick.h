// SPDX-License-Identifier: Apache-2.0
// Searches text for many patterns at once, in one step per byte (Aho and Corasick, 1975).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

namespace l7_filter {

class AhoCorasick {
 public:
  // Where the state's row of the table begins: a multiple of 256.
  using State = uint32_t;
  static constexpr State start = 0;
  static constexpr size_t none = std::numeric_limits<size_t>::max();

  explicit AhoCorasick(std::span<const std::string_view> patterns) {
    std::vector<Node> nodes(1);
    for (size_t i = 0; i < patterns.size(); ++i) insert(nodes, patterns[i], i);
    complete(nodes);
    make_table(nodes);
  }

  // Reads `text` from `state` on, up to the end of the first match. Gives the pattern's index, or `none`; `state` is
  // where it stopped, so that a text may come in pieces.
  size_t search(State& state, std::span<const uint8_t> text) const {
    const uint32_t* const table = table_.data();
    State now = state;
    for (const uint8_t byte : text) {
      now = table[now + byte];
      if (now & match) {
        state = now & ~match;
        return matches_[state / row];
      }
    }
    state = now;
    return none;
  }

  size_t states() const { return matches_.size(); }

 private:
  static constexpr uint32_t row = 256, match = 1;  // the low bits of a row's place are free

  struct Node {
    std::array<uint32_t, row> next{};
    size_t match = none;  // the pattern that ends here
  };

  static void insert(std::vector<Node>& nodes, std::string_view pattern, size_t index) {
    uint32_t node = 0;
    for (char c : pattern) {
      const auto byte = static_cast<uint8_t>(c);
      if (nodes[node].next[byte] == 0) {
        nodes[node].next[byte] = static_cast<uint32_t>(nodes.size());
        nodes.emplace_back();
      }
      node = nodes[node].next[byte];
    }
    if (nodes[node].match == none) nodes[node].match = index;
  }

  // Breadth first: where the trie has no branch, go where the longest proper suffix goes. `fallback` holds that suffix'
  // node, which lies nearer to the root and is complete already.
  static void complete(std::vector<Node>& nodes) {
    std::vector<uint32_t> fallback(nodes.size(), 0);
    std::deque<uint32_t> queue{0};
    while (!queue.empty()) {
      const uint32_t number = queue.front();
      queue.pop_front();
      Node& node = nodes[number];
      if (node.match == none) node.match = nodes[fallback[number]].match;
      for (size_t byte = 0; byte < row; ++byte) {
        const uint32_t suffix = number == 0 ? 0 : nodes[fallback[number]].next[byte];
        uint32_t& next = node.next[byte];
        if (next == 0) {
          next = suffix;
        } else {
          fallback[next] = suffix;
          queue.push_back(next);
        }
      }
    }
  }

  void make_table(const std::vector<Node>& nodes) {
    table_.reserve(nodes.size() * row);
    for (const Node& node : nodes) {
      matches_.push_back(node.match);
      for (const uint32_t next : node.next) table_.push_back(next * row | (nodes[next].match != none ? match : 0));
    }
  }

  std::vector<uint32_t> table_;  // for each state and byte the next state, and `match` if a pattern ends there
  std::vector<size_t> matches_;  // for each state the pattern that ends there
};

}  // namespace l7_filter
