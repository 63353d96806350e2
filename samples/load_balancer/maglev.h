// SPDX-License-Identifier: Apache-2.0
// Maglev hashing (Eisenbud and others, 2016): spreads keys over backends by weight; when a backend goes, few keys move.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace load_balancer {

struct Candidate {
  uint64_t id = 0;      // decides where it stands in the table: keep it when others come and go
  unsigned weight = 0;  // 0: takes no keys
};

class Maglev {
 public:
  // `size` is a prime, many times the sum of the weights.
  explicit Maglev(std::span<const Candidate> candidates, size_t size = 65537);

  static constexpr size_t none = SIZE_MAX;

  // The index of the candidate, or none if all weights are 0.
  size_t pick(uint64_t hash) const { return table_[hash % table_.size()]; }
  std::span<const size_t> table() const { return table_; }

 private:
  std::vector<size_t> table_;
};

}  // namespace load_balancer
