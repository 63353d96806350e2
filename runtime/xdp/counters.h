// SPDX-License-Identifier: Apache-2.0
// A queue's counters: one thread writes, any thread reads, nobody locks.
#pragma once

#include "counter.h"
#include "xdp_hook.h"

namespace vbpf::xdp {

struct alignas(64) Counters {
  Counter packets, bytes, faults, restarts, pass_single, pass_batch, dropped, batches;
  std::array<Counter, 5> verdicts;

  QueueStats read() const;
};

}  // namespace vbpf::xdp
