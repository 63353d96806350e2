// SPDX-License-Identifier: Apache-2.0
// Ends calls that use more CPU time than their budget. One thread for the process, asleep while nothing runs.
//
// A call costs three stores: the watchdog samples every thread's sequence number four times in the shortest budget, and
// takes the time itself. So a call is ended after between 1 and 1.25 times its budget.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

#include "gate.h"
#include "thread.h"
#include "vbpf/result.h"

namespace vbpf {

class Watchdog {
 public:
  static inline Watchdog& instance();

  // From add() to remove() the thread is watched. Starts the watchdog's thread when there is none.
  Result<void> add(ThreadState& thread);
  void remove(ThreadState& thread);

  // The calling thread begins a call, of one invocation. `domain` stays until synchronize().
  void begin(ThreadState& thread, const Domain& domain) {
    thread.domain.store(&domain, std::memory_order_relaxed);
    const uint64_t sequence = thread.sequence.load(std::memory_order_relaxed);
    thread.sequence.store(sequence + 1 + (sequence & 1), std::memory_order_release);
    // The watchdog's membarrier() orders this load behind the store: no fence here.
    std::atomic_signal_fence(std::memory_order_seq_cst);
    if (parked_.load(std::memory_order_relaxed) != 0) [[unlikely]]
      wake();
  }
  static void end(ThreadState& thread) {
    thread.sequence.store(thread.sequence.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }

  // Around begin() and end(): the call has several invocations, and *progress counts those done.
  static void set_batch(ThreadState& thread, uint64_t invocations, const uint32_t* progress) {
    thread.invocations.store(invocations, std::memory_order_relaxed);
    thread.progress.store(progress, std::memory_order_relaxed);
  }

  // For an import whose callback may make calls of its own: what is watched now, and watched again after.
  struct Watched {
    uint64_t sequence, invocations;
    const Domain* domain;
    const uint32_t* progress;
  };
  static Watched watched(const ThreadState& thread) {
    return {thread.sequence.load(), thread.invocations.load(), thread.domain.load(), thread.progress.load()};
  }
  void resume(ThreadState& thread, const Watched& before) {
    if (thread.sequence.load() == before.sequence) return;
    set_batch(thread, before.invocations, before.progress);
    begin(thread, *before.domain);
  }

  // After this, no scan still reads what begin() and set_batch() were given before.
  void synchronize() { const std::scoped_lock lock(mutex_); }

  void before_fork() { mutex_.lock(); }
  void after_fork_in_parent() { mutex_.unlock(); }
  void after_fork_in_child();

 private:
  constexpr Watchdog() = default;
  ~Watchdog() = default;
  union Storage;
  Result<void> start();
  [[noreturn]] void run();
  uint64_t scan();
  void park();
  void wake();

  std::mutex mutex_;  // guards threads_ and started_; held for each scan
  std::vector<ThreadState*> threads_;
  bool started_ = false, can_park_ = false;
  std::atomic<uint32_t> parked_{0};
};

// Never destroyed: threads may outlive main().
union Watchdog::Storage {
  constexpr Storage() : watchdog() {}
  ~Storage() {}  // NOLINT(modernize-use-equals-default): a union's would be deleted
  Watchdog watchdog;
  static Storage storage;
};

inline Watchdog& Watchdog::instance() { return Storage::storage.watchdog; }

}  // namespace vbpf
