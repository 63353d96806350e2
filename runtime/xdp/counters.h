// SPDX-License-Identifier: Apache-2.0
// A queue's counters: one thread writes, any thread reads, nobody locks.
#pragma once

#include <atomic>

#include "xdp_hook.h"

namespace vbpf::xdp {

// Only its owner adds, so that no locked instruction is needed.
class Counter {
 public:
  void add(uint64_t amount) {
    value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

struct alignas(64) Counters {
  Counter packets, bytes, faults, restarts, pass_single, pass_batch, dropped, batches;
  std::array<Counter, 5> verdicts;

  QueueStats read() const;
};

}  // namespace vbpf::xdp
