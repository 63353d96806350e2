// SPDX-License-Identifier: Apache-2.0
// A count that one thread writes and any thread reads; nobody locks.
#pragma once

#include <atomic>
#include <cstdint>

namespace vbpf {

// Only its owner adds, so that no locked instruction is needed.
class Counter {
 public:
  void add(uint64_t amount = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

}  // namespace vbpf
