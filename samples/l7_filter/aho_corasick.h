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
  using State = uint32_t;
  static constexpr State start = 0;
  static constexpr size_t none = std::numeric_limits<size_t>::max();

  explicit AhoCorasick(std::span<const std::string_view> patterns) : nodes_(1) {
    for (size_t i = 0; i < patterns.size(); ++i) insert(patterns[i], i);
    complete();
  }

  // Reads `text` from `state` on, up to the end of the first match. Gives the pattern's index, or `none`; `state` is
  // where it stopped, so that a text may come in pieces.
  size_t search(State& state, std::span<const uint8_t> text) const {
    for (uint8_t byte : text) {
      state = nodes_[state].next[byte];
      if (nodes_[state].match != none) return nodes_[state].match;
    }
    return none;
  }

  size_t states() const { return nodes_.size(); }

 private:
  struct Node {
    std::array<State, 256> next{};
    size_t match = none;  // the pattern that ends here
  };

  void insert(std::string_view pattern, size_t index) {
    State state = start;
    for (char c : pattern) {
      const auto byte = static_cast<uint8_t>(c);
      if (nodes_[state].next[byte] == start) {
        nodes_[state].next[byte] = static_cast<State>(nodes_.size());
        nodes_.emplace_back();
      }
      state = nodes_[state].next[byte];
    }
    if (nodes_[state].match == none) nodes_[state].match = index;
  }

  // Breadth first: where the trie has no branch, go where the longest proper suffix goes. `fallback` holds that suffix'
  // state, which lies nearer to the root and is complete already.
  void complete() {
    std::vector<State> fallback(nodes_.size(), start);
    std::deque<State> queue{start};
    while (!queue.empty()) {
      const State state = queue.front();
      queue.pop_front();
      Node& node = nodes_[state];
      if (node.match == none) node.match = nodes_[fallback[state]].match;
      for (size_t byte = 0; byte < 256; ++byte) {
        const State suffix = state == start ? start : nodes_[fallback[state]].next[byte];
        State& next = node.next[byte];
        if (next == start) {
          next = suffix;
        } else {
          fallback[next] = suffix;
          queue.push_back(next);
        }
      }
    }
  }

  std::vector<Node> nodes_;
};

}  // namespace l7_filter
