// SPDX-License-Identifier: Apache-2.0
// Ends calls that run longer than their budget. One thread for the process, asleep while nothing runs.
//
// A call costs two stores: the watchdog samples every thread's sequence number four times in the shortest budget, and
// takes the time itself. So a call is ended between its budget and 1.25 times its budget after it began.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

#include "thread.h"
#include "vbpf/result.h"

namespace vbpf {

class Watchdog {
 public:
  static Watchdog& instance();  // never destroyed: threads may outlive main()

  // From add() to remove() the thread is watched. Starts the watchdog's thread when there is none.
  Result<void> add(ThreadState& thread);
  void remove(ThreadState& thread);

  // The calling thread begins a call; returns its sequence number. `progress` counts invocations done, and stays
  // readable until end().
  uint64_t begin(ThreadState& thread, uint64_t budget, uint64_t invocations, const uint32_t* progress) {
    thread.budget.store(budget, std::memory_order_relaxed);
    thread.invocations.store(invocations, std::memory_order_relaxed);
    thread.progress.store(progress, std::memory_order_relaxed);
    const uint64_t sequence = 2 * ++thread.counter + 1;
    thread.sequence.store(sequence, std::memory_order_release);
    // The watchdog's membarrier() orders this load behind the store: no fence here.
    std::atomic_signal_fence(std::memory_order_seq_cst);
    if (parked_.load(std::memory_order_relaxed) != 0) wake();
    return sequence;
  }
  static void end(ThreadState& thread) { thread.sequence.store(2 * ++thread.counter, std::memory_order_release); }

  // After this, no scan that began before still reads a `progress`.
  void synchronize() { const std::scoped_lock lock(mutex_); }

  void before_fork() { mutex_.lock(); }
  void after_fork_in_parent() { mutex_.unlock(); }
  void after_fork_in_child();

 private:
  Watchdog() = default;
  Result<void> start();
  [[noreturn]] void run();
  uint64_t scan(uint64_t now);
  void park();
  void wake();

  std::mutex mutex_;  // guards threads_ and started_; held for each scan
  std::vector<ThreadState*> threads_;
  bool started_ = false, can_park_ = false;
  std::atomic<uint32_t> parked_{0};
};

}  // namespace vbpf
