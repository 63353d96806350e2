// SPDX-License-Identifier: Apache-2.0
#include "maglev.h"

#include <algorithm>
#include <numeric>

#include "address.h"

namespace load_balancer {
namespace {

// The order in which a candidate asks for slots: offset, offset + skip, ... visits all, as the table's size is prime.
struct Permutation {
  size_t next, skip;

  size_t advance(size_t size) {
    const size_t slot = next;
    next = (next + skip) % size;
    return slot;
  }
};

}  // namespace

Maglev::Maglev(std::span<const Candidate> candidates, size_t size) : table_(size, none) {
  std::vector<Permutation> permutations;
  for (const Candidate& candidate : candidates) {
    permutations.push_back({net::mix(1, candidate.id) % size, net::mix(2, candidate.id) % (size - 1) + 1});
  }
  const auto weights = [&](unsigned sum, const Candidate& candidate) { return sum + candidate.weight; };
  if (std::accumulate(candidates.begin(), candidates.end(), 0u, weights) == 0) return;

  // In turns; in each, a candidate takes as many slots as its weight.
  for (size_t filled = 0; filled < size;) {
    for (size_t i = 0; i < candidates.size(); ++i) {
      for (unsigned turn = 0; turn < candidates[i].weight && filled < size; ++turn, ++filled) {
        size_t slot = permutations[i].advance(size);
        while (table_[slot] != none) slot = permutations[i].advance(size);
        table_[slot] = i;
      }
    }
  }
}

}  // namespace load_balancer
